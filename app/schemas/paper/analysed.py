"""Figures and tables that are computed from checkpoints: their runs, questions and claims."""

from collections.abc import Sequence

from app.schemas.paper import compared, found, tables
from app.schemas.paper.curves import ERROR, STEPS
from app.schemas.paper.figure import (
    ComparedTable,
    FigureAnalysis,
    PaperFigure,
    PaperLine,
    PaperNeeds,
    PaperPanel,
    PublishedPoints,
    PublishedTable,
)
from app.schemas.paper.rules import AnalysisClaim
from app.schemas.studies.presets import single_head_runs, step_runs
from app.schemas.studies.request import StudyRequest, StudyRun

_QUALITATIVE = (
    "Signs and orders; which head does what depends on the initial weights: compare by rank."
)
_MAIN, _ONE_HEAD = single_head_runs()[:1], step_runs()[:1]
_UNCLAMPED, _NONE = "Unclamped", "One head"


def _figure(
    name: str,
    title: str,
    asks: str,
    how: str,
    analysis: FigureAnalysis,
    runs: Sequence[StudyRun] = _MAIN,
    *,
    panels: Sequence[PaperPanel] = (),
    shown: Sequence[PublishedTable] = (),
) -> PaperFigure:
    return PaperFigure(
        id=name.lower().replace(". ", "-").replace(" ", "-"),
        name=name,
        title=title,
        asks=asks,
        needs=PaperNeeds.ANALYSES,
        how=f"Made from {how}.",
        request=StudyRequest(name=f"Paper, {name}", tags=["paper"], runs=[*runs]),
        analyses=[analysis],
        panels=panels,
        tables=shown,
        error=ERROR,
        expected=_QUALITATIVE,
    )


def _heads(row: int, published: PublishedTable) -> list[tuple[float, float]]:
    """A number of each head by its strength."""
    numbers = (float(one or 0) for one in published.rows[row][1:])
    return list(zip(compared.PUBLISHED_STRENGTHS, numbers, strict=True))


def _places(row: int, published: PublishedTable) -> list[tuple[float, float]]:
    """Numbers by sequences, where the columns are places along the training."""
    pairs = zip(published.columns[1:], published.rows[row][1:], strict=True)
    return [
        (1000 * float(at.removesuffix("k")), float(one)) for at, one in pairs if one is not None
    ]


def _counts(row: int) -> list[tuple[float, float]]:
    numbers = tables.ADD_BACK.rows[row][1:]
    return [(count, float(one)) for count, one in enumerate(numbers, 1) if one is not None]


FIG_3B = _figure(
    "Fig. 3b",
    "Induction heads form together",
    "Do the induction heads of layer 2 form one by one, or all at the drop of the loss?",
    "the analysis “all sequences of the task” of 100 checkpoints of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "along-training",
        [
            ComparedTable(tables.STRENGTHS, compared.strengths_table),
            ComparedTable(tables.STRENGTH_GROWTH, compared.growth_table),
        ],
        [PublishedPoints("the strongest head", _places(0, tables.STRENGTH_GROWTH), None)],
        [
            AnalysisClaim(
                "All induction heads form together, while the loss drops.", found.form_together
            )
        ],
    ),
)
FIG_4A = _figure(
    "Fig. 4a",
    "Accuracy of heads alone and of all others",
    "Does a head that attends better to the right label also answer better by itself, and what is "
    "lost without it?",
    "the analysis “heads removed and kept” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "every-head",
        [
            ComparedTable(tables.ONLY_ACCURACY, compared.accuracy_table),
            ComparedTable(tables.CORRELATION, compared.correlation_table),
        ],
        [PublishedPoints("kept alone", _heads(0, tables.ONLY_ACCURACY))],
        [
            AnalysisClaim(
                "The stronger a head attends to the right label, the better it answers alone.",
                found.stronger_answers_better,
            ),
            AnalysisClaim("No single head is needed.", found.no_head_is_needed),
        ],
    ),
)
FIG_10 = _figure(
    "Fig. 10",
    "Clamping beside progress measures",
    "Do measures of progress along an unclamped training agree with training under clamps?",
    "two trainings under clamps; and the analysis “progress of sub-circuits” of 100 checkpoints of "
    "the run of one head",
    FigureAnalysis(
        _NONE,
        "sub-circuits",
        [ComparedTable(tables.PROGRESS, compared.progress_table)],
        [
            PublishedPoints("composite (2, 3qkv, 4, 5)", _places(0, tables.PROGRESS), 1),
            PublishedPoints("copy (3v, 5)", _places(1, tables.PROGRESS), 2),
        ],
        [
            AnalysisClaim(
                "With the match fixed, copying is learned long before its progress measure falls.",
                found.measures_are_later("match", "C: match fixed"),
            ),
            AnalysisClaim(
                "With the previous-token head fixed, the rest is learned before its progress "
                "measure falls.",
                found.measures_are_later("look_back", "1: previous-token head fixed"),
            ),
        ],
    ),
    [step_runs()[0], step_runs()[1], step_runs()[3]],
    panels=[
        PaperPanel(
            [
                PaperLine("none", _NONE, published=STEPS["One head"]),
                PaperLine(
                    "1: previous-token head fixed",
                    "Previous-token head fixed",
                    published=STEPS["Previous-token head fixed"],
                ),
                PaperLine("C: match fixed", "Match fixed", published=STEPS["Match fixed"]),
            ],
            400_000,
            "Training under clamps",
        )
    ],
)
FIG_11 = _figure(
    "Fig. 11",
    "The wiring of two layers",
    "Which head of layer 1 does each induction head read from, by its keys and by its values?",
    "the analysis “wiring of two layers” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "wiring",
        [ComparedTable(tables.LINKS, compared.links_table)],
        claims=[
            AnalysisClaim(
                "Keys are read from previous-token heads, values from others.", found.keys_look_back
            ),
            AnalysisClaim("The wiring is many to many.", found.wired_many_to_many),
        ],
    ),
    shown=tables.WIRING,
)
FIG_12 = _figure(
    "Fig. 12",
    "Ways to the output along the training",
    "When does the output stop to depend on layer 1 directly, and come to depend on layer 2?",
    "the analysis “ways to the output” of 100 checkpoints of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "ways-to-output",
        [
            ComparedTable(tables.DIRECT_LOSS, compared.direct_table),
            ComparedTable(tables.DIRECT, compared.direct_accuracy_table),
        ],
        [
            PublishedPoints("layer 1", _places(0, tables.DIRECT_LOSS)),
            PublishedPoints("layer 2", _places(1, tables.DIRECT_LOSS), 1),
        ],
        [
            AnalysisClaim(
                "In the end the output is written by layer 2 alone.", found.output_reads_layer_2
            ),
            AnalysisClaim(
                "What layer 1 writes directly matters most before the drop.",
                found.layer_1_matters_early,
            ),
        ],
    ),
)
FIG_13 = _figure(
    "Fig. 13",
    "Loss of heads alone and of all others",
    "The same as Fig. 4a, as losses.",
    "the analysis “heads removed and kept” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "every-head",
        [ComparedTable(tables.ONLY_LOSS, compared.loss_table)],
        [PublishedPoints("kept alone", _heads(0, tables.ONLY_LOSS))],
        [
            AnalysisClaim(
                "The stronger a head attends to the right label, the smaller its loss alone.",
                found.stronger_loses_less,
            )
        ],
        shown="loss",
    ),
)
FIG_14 = _figure(
    "Fig. 14",
    "Heads added back",
    "Do heads add up: does every further one make the loss smaller?",
    "the analysis “heads added back” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "added-back",
        [ComparedTable(tables.ADD_BACK, compared.added_table)],
        [
            PublishedPoints("the strongest first", _counts(0)),
            PublishedPoints("without the strongest", _counts(1), 1),
        ],
        [AnalysisClaim("Every further head makes the loss smaller.", found.heads_add_up)],
    ),
)
FIG_16 = _figure(
    "Fig. 16",
    "What each head copies",
    "With a perfect match, which labels does each head get right?",
    "the analysis “each head with a perfect match” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "perfect-match",
        [
            ComparedTable(tables.PERFECT_ACCURACY, compared.perfect_table),
            ComparedTable(tables.BY_LABEL, compared.labels_table),
        ],
        [PublishedPoints("match perfect", _heads(0, tables.PERFECT_ACCURACY))],
        [
            AnalysisClaim("Heads that match better copy better.", found.stronger_copies_better),
            AnalysisClaim("Heads specialise in different labels.", found.labels_differ),
        ],
    ),
)
TABLE_1 = _figure(
    "Table 1",
    "Previous-token heads serve the keys",
    "What is lost without the previous-token heads of layer 1: what layer 2 attends to, or what "
    "it copies?",
    "the analysis “without the heads that look back” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "previous-token-sets",
        [ComparedTable(tables.PREVIOUS_TOKEN_SETS, compared.sets_table)],
        claims=[
            AnalysisClaim(
                "What layer 2 attends to needs the heads that look back.", found.keys_need_them
            ),
            AnalysisClaim("What it copies needs the others.", found.values_need_others),
        ],
    ),
)
TABLE_2 = _figure(
    "Table 2",
    "Mistakes that another head gets right",
    "Do heads make the same mistakes?",
    "the analysis “heads removed and kept” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "every-head",
        [ComparedTable(tables.RECOVERED, compared.recovered_table)],
        claims=[
            AnalysisClaim(
                "Another head gets most mistakes of the strongest right.",
                found.others_recover("only"),
            )
        ],
    ),
)
TABLE_3 = _figure(
    "Table 3",
    "Mistakes that another head gets right, with a perfect match",
    "Do heads fail to copy the same labels?",
    "the analysis “each head with a perfect match” of the unclamped run",
    FigureAnalysis(
        _UNCLAMPED,
        "perfect-match",
        [ComparedTable(tables.RECOVERED_PERFECT, compared.recovered_perfect_table)],
        claims=[
            AnalysisClaim(
                "Another head gets most mistakes of the strongest right.",
                found.others_recover("matched"),
            )
        ],
    ),
)
