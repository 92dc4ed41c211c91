"""Figures that come from training alone."""

from pydantic import JsonValue

from app.schemas.paper import curves
from app.schemas.paper.figure import PaperFigure, PaperLine, PaperNeeds, PaperPanel, PublishedCurve
from app.schemas.paper.rules import EndsAbove, EndsBelow, InOrder, LongerPlateau, PublishedClaim
from app.schemas.studies.presets import (
    HEADS,
    INDUCTION,
    REST,
    STRENGTHS,
    data_runs,
    only,
    paper_run,
    single_head_runs,
    step_runs,
)
from app.schemas.studies.request import StudyRequest, StudyRun

_OTHER = (
    "Signs and orders, on other data or seeds; places of crossings and losses differ by tens of "
    "percent between seeds and data sets, and more where a whole phase change moves."
)


def _request(figure: str, runs: list[StudyRun]) -> StudyRequest:
    return StudyRequest(name=f"Paper, {figure}", tags=["paper"], runs=runs)


def _main() -> PaperFigure:
    lines = (
        PaperLine("train", "Unclamped", "loss.train", curves.MAIN_TRAIN),
        PaperLine(
            "test (exemplars): unseen classes",
            "Unclamped",
            "loss.new_classes",
            curves.MAIN_EXEMPLARS,
        ),
        PaperLine(
            "test (relabel): held-out label pairs",
            "Unclamped",
            "loss.new_label_pairs",
            curves.MAIN_RELABEL,
        ),
    )
    labels = [line.label for line in lines]
    return PaperFigure(
        id="fig-3a",
        name="Fig. 3a",
        title="A plateau, then a sudden drop",
        asks="How does the loss of the unclamped model fall, on what it is trained on and on "
        "classes and label pairs that it never sees?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 3a", single_head_runs()[:1]),
        panels=[PaperPanel(lines, 1_000_000)],
        error=curves.ERROR,
        expected=_OTHER,
        claims=[
            PublishedClaim("The task is learned.", EndsBelow(labels[:1], 0.05)),
            PublishedClaim(
                "What is learned holds for classes and label pairs never trained on.",
                EndsBelow(labels[1:], 0.3),
            ),
            PublishedClaim("Trained sequences are learned before others.", InOrder(labels[:2])),
        ],
    )


def _alone() -> PaperFigure:
    lines = [PaperLine("all heads", "Unclamped", published=curves.ALL_HEADS)]
    lines += [
        PaperLine(f"only head {head}", f"Only layer 2, head {head}", published=curves.ALONE[head])
        for head in HEADS
    ]
    labels = [line.label for line in lines]
    return PaperFigure(
        id="fig-4b",
        name="Fig. 4b",
        title="Each head alone",
        asks="Can every head of layer 2 learn the task when it is the only one there, and how "
        "much sooner do all of them learn it together?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 4b", single_head_runs()),
        panels=[PaperPanel(lines, 1_000_000)],
        error=curves.ERROR,
        expected=f"{_OTHER} Which head is fastest alone depends on the initial weights.",
        claims=[
            PublishedClaim("Every head can learn the task alone.", EndsBelow(labels[1:], 0.15)),
            *(
                PublishedClaim(
                    f"All heads are sooner than head {head} alone.",
                    InOrder(("all heads", f"only head {head}"), "0.4 ln 2"),
                )
                for head in HEADS
            ),
        ],
    )


def _steps() -> PaperFigure:
    titles = {
        "One head": "none",
        "Previous-token head fixed": "1: previous-token head",
        "Layer 1 perfect": "1, 2: layer 1",
        "Match fixed": "1, 2, 3qk, 4: match",
        "Copy perfect": "3v, 5: copy",
        "Layer 1 and copy": "1, 2, 3v, 5: layer 1 and copy",
    }
    lines = [PaperLine(label, run, published=curves.STEPS[run]) for run, label in titles.items()]
    none, previous, layer_1, match, copy, both = titles.values()
    return PaperFigure(
        id="fig-5b",
        name="Fig. 5b",
        title="Which steps hold the circuit back",
        asks="If steps of the circuit are given instead of learned, which of them make the "
        "plateau go away, and how soon is the rest learned?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 5b", step_runs()),
        panels=[PaperPanel(lines, 400_000)],
        error=curves.ERROR,
        expected=f"{_OTHER} Over the published seeds, half ln 2 is crossed at 64-81k with layer 1 "
        "given, 28-42k with the match, 41-67k with the copy, 17-28k with layer 1 and copy; without "
        "clamps, and with a previous-token head alone, it depends on the head that is kept.",
        claims=[
            PublishedClaim(
                "With layer 1 and copy given, the rest is soonest.", InOrder((both, match))
            ),
            PublishedClaim(
                "Layer 1 and copy given are sooner than copy alone.",
                InOrder((both, copy)),
            ),
            PublishedClaim("Match before layer 1.", InOrder((match, layer_1))),
            PublishedClaim("Copy before layer 1.", InOrder((copy, layer_1))),
            PublishedClaim(
                "Layer 1 given is sooner than a previous-token head.", InOrder((layer_1, previous))
            ),
            PublishedClaim(
                "A fixed previous-token head is sooner than none.", InOrder((previous, none))
            ),
            PublishedClaim(
                "Nothing clamped has the longest plateau near ln 2.",
                LongerPlateau(none, (layer_1, match, copy, both)),
            ),
        ],
    )


_COLUMNS = ("One head", "Layer 1 and copy", "Match fixed", "Layer 1 perfect")
_TITLES = ("normal", "B: match", "C: copy", "B and C")


def _shifts() -> PaperFigure:
    runs = [*step_runs(), *data_runs()]
    wanted = [_data_run(column, data) for data in curves.SHIFTS for column in range(4)]
    kept = [run for run in runs if run.name[:1].upper() + run.name[1:] in wanted]
    by_classes, by_labels = list(curves.SHIFTS)[:3], [list(curves.SHIFTS)[i] for i in (0, 3, 4)]
    groups = {"50, 100, 200 classes": by_classes, "5, 10, 15 labels": by_labels}
    panels = [
        PaperPanel(
            [_shift_line(column, data) for data in data_sets],
            2_000_000 if column == 0 else 300_000,
            f"{_TITLES[column]}: {row}",
        )
        for row, data_sets in groups.items()
        for column in range(4)
    ]
    return PaperFigure(
        id="fig-6",
        name="Fig. 6",
        title="What more classes and more labels delay",
        asks="Does the plateau grow longer with more classes or more labels, and which of the "
        "circuit's parts takes longer to learn?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 6", kept),
        panels=panels,
        error=curves.ERROR,
        expected=f"{_OTHER} Judge by the clamped columns: without clamps, one published seed is "
        "not monotone in the number of labels. Colours follow the order in a panel's title.",
        claims=_shift_claims(),
    )


def _data_run(column: int, data: str) -> str:
    if column and data == "50 classes, 5 labels":
        return _COLUMNS[column]
    return f"{_COLUMNS[column]}, {data}"


def _shift_label(column: int, data: str) -> str:
    return f"{_TITLES[column]}, {data}"


def _shift_line(column: int, data: str) -> PaperLine:
    published = curves.crossed("½ ln 2", curves.SHIFTS[data][column])
    label = _shift_label(column, data)
    return PaperLine(label, _data_run(column, data), published=published)


def _shift_claims() -> list[PublishedClaim]:
    few, _, classes, _, labels = curves.SHIFTS
    return [
        PublishedClaim(
            "More labels delay the copy.", InOrder([_shift_label(2, d) for d in (few, labels)])
        ),
        PublishedClaim(
            "More labels delay match and copy together.",
            InOrder([_shift_label(3, d) for d in (few, labels)]),
        ),
        PublishedClaim(
            "More classes delay the match.", InOrder([_shift_label(1, d) for d in (few, classes)])
        ),
        PublishedClaim(
            "More classes delay match and copy together.",
            InOrder([_shift_label(3, d) for d in (few, classes)]),
        ),
        PublishedClaim(
            "More labels delay the phase change.",
            InOrder([_shift_label(0, d) for d in (few, labels)]),
        ),
        PublishedClaim(
            "More classes delay the phase change.",
            InOrder([_shift_label(0, d) for d in (few, classes)]),
        ),
    ]


_PREVIOUS_SITES = {"L0H2": "L0H2", "L0H6": "L0H6", "L0H1, 2, 5": "L0H1,2,5"}
_PREVIOUS_SITES |= {"all eight": "L0H0,1,2,3,4,5,6,7"}


def _previous_runs() -> list[StudyRun]:
    """Two of them are runs of Fig. 5b, drawn to where those end."""
    none, second = step_runs()[:2]
    others: list[StudyRun] = [none, second]
    for label, heads in list(_PREVIOUS_SITES.items())[1:]:
        clamp: JsonValue = {
            "kind": "set_pattern",
            "target": "previous_token",
            "site": f"{heads}.pattern",
        }
        others.append(paper_run(f"previous-token {label}", 800_000, clamp, REST, every=5000))
    return others


def _previous() -> PaperFigure:
    names = (
        "One head",
        "Previous-token head fixed",
        *(f"Previous-token {label}" for label in list(_PREVIOUS_SITES)[1:]),
    )
    lines = [
        PaperLine(label, name, published=curves.crossed("½ ln 2", place))
        for (label, place), name in zip(curves.PREVIOUS_TOKEN.items(), names, strict=True)
    ]
    return PaperFigure(
        id="fig-8",
        name="Fig. 8",
        title="Which heads attend to the token before",
        asks="Does it matter which heads of layer 1 are made previous-token heads, and how many?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 8", _previous_runs()),
        panels=[PaperPanel(lines, 800_000)],
        error=curves.ERROR,
        expected=f"{_OTHER} Numbers of heads mean nothing on other initial weights: what counts is "
        "one, three, or all of them.",
        claims=[
            PublishedClaim(
                "All eight are slower than three.", InOrder(("L0H1, 2, 5", "all eight"))
            ),
            PublishedClaim("Three are sooner than none.", InOrder(("L0H1, 2, 5", "none"))),
            PublishedClaim("All eight are even slower than none.", InOrder(("none", "all eight"))),
        ],
    )


def _strength(share: float) -> str:
    return f"Strength {2 * share - 1:+.1f}".replace("+0.0", "0")


def _strength_runs() -> list[StudyRun]:
    assert isinstance(INDUCTION, dict)
    return [
        paper_run(_strength(share), 600_000, {**INDUCTION, "strength": share}, every=5000)
        for share in STRENGTHS
    ]


def _strengths() -> PaperFigure:
    metrics = {
        "train": "loss.train",
        "new label pairs": "loss.new_label_pairs",
        "new classes": "loss.new_classes",
    }
    panels = [
        PaperPanel([_strength_line(share, title, metric) for share in STRENGTHS], 600_000, title)
        for title, metric in metrics.items()
    ]
    wrong = [f"{_strength(share)}, new label pairs" for share in (0.1, 0.2, 0.3)]
    right = [f"{_strength(share)}, new label pairs" for share in (1, 0.9, 0.8)]
    return PaperFigure(
        id="fig-15",
        name="Fig. 15",
        title="An induction head that attends to the wrong label",
        asks="One head's attention is fixed, from wholly right (+1) to wholly wrong (−1): what is "
        "learned from it, and does that hold for label pairs never trained on?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 15", _strength_runs()),
        panels=panels,
        error=curves.ERROR,
        expected=f"{_OTHER} Losses on new label pairs of wrong heads vary widely.",
        claims=[
            PublishedClaim(
                "Trained pairs are learned at every strength.",
                EndsBelow([f"{_strength(share)}, train" for share in STRENGTHS], 0.35),
            ),
            PublishedClaim("Right attention holds for new label pairs.", EndsBelow(right, 0.3)),
            PublishedClaim("Wrong attention fails on new label pairs.", EndsAbove(wrong, 0.7)),
        ],
    )


def _strength_line(share: float, title: str, metric: str) -> PaperLine:
    known = curves.NEW_PAIRS.get(share) if title == "new label pairs" else None
    published = PublishedCurve([(600_000, known)] if known is not None else [])
    return PaperLine(f"{_strength(share)}, {title}", _strength(share), metric, published)


def _pair_runs() -> list[StudyRun]:
    runs = single_head_runs()
    pairs = [
        paper_run(f"heads 3 and {head}", 1_000_000, only(3, head), every=5000)
        for head in curves.PAIRS
    ]
    return [runs[0], runs[4], *pairs]


def _pairs() -> PaperFigure:
    lines = [
        PaperLine("all heads", "Unclamped", published=curves.crossed("0.4 ln 2", curves.PAIRS_ALL)),
        PaperLine(
            "head 3 alone",
            "Only layer 2, head 3",
            published=curves.crossed("0.4 ln 2", curves.PAIRS_ALONE),
        ),
    ]
    lines += [
        PaperLine(
            f"heads 3 and {head}",
            f"Heads 3 and {head}",
            published=curves.crossed("0.4 ln 2", place),
        )
        for head, place in curves.PAIRS.items()
    ]
    return PaperFigure(
        id="fig-17",
        name="Fig. 17",
        title="Two heads together",
        asks="Is a second head of layer 2 enough to make up for all the others?",
        needs=PaperNeeds.TRAINING,
        request=_request("Fig. 17", _pair_runs()),
        panels=[PaperPanel(lines, 1_000_000)],
        error=curves.ERROR,
        expected=f"{_OTHER} Which partner helps depends on the initial weights.",
        claims=[
            PublishedClaim(
                "All heads are sooner than one.", InOrder(("all heads", "head 3 alone"), "0.4 ln 2")
            ),
            PublishedClaim(
                "Every pair learns the task.",
                EndsBelow([line.label for line in lines[2:]], 0.1),
            ),
        ],
    )


TRAINED = (_main(), _alone(), _steps(), _shifts(), _previous(), _strengths(), _pairs())
