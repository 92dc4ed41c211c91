"""Figures and tables that are not made from training alone: what they ask and what they need."""

from app.schemas.paper import tables
from app.schemas.paper.figure import PaperFigure, PaperNeeds, PublishedTable
from app.schemas.studies.presets import single_head_runs, step_runs
from app.schemas.studies.request import StudyRequest

_QUALITATIVE = (
    "Signs and orders; which head does what depends on the initial weights: compare by rank."
)
_GRID = "the analysis “heads removed and kept” of the unclamped run"


def _analysed(
    id: str,
    name: str,
    title: str,
    asks: str,
    how: str,
    *shown: PublishedTable,
    one_head: bool = False,
    analysis: str = "",
) -> PaperFigure:
    """Computed from the checkpoints of the unclamped run, or of one head."""
    run = step_runs()[0] if one_head else single_head_runs()[0]
    return PaperFigure(
        id=id,
        name=name,
        title=title,
        asks=asks,
        needs=PaperNeeds.ANALYSES,
        how=how,
        analysis=analysis,
        request=StudyRequest(name=f"Paper, {name}", tags=["paper"], runs=[run]),
        tables=shown,
        expected=_QUALITATIVE,
    )


CIRCUIT = PaperFigure(
    id="fig-1",
    name="Fig. 1",
    title="The circuit of an induction head",
    asks="Which steps lead from a label in the context to the answer at the query?",
    needs=PaperNeeds.DRAWING,
    how="The drawing of the circuit is on every run's page, lit by what the run has learned.",
    address="/guide",
)
CLAMPS = PaperFigure(
    id="fig-2",
    name="Fig. 2",
    title="Clamps and the pass that they cause",
    asks="How is an activation preserved, removed or set while the rest computes as ever?",
    needs=PaperNeeds.DRAWING,
    how="Every clamp is text, such as `ablate L1H3.v`; the launch form shows what it changes.",
    address="/runs/new",
)
TOY_5A = PaperFigure(
    id="fig-5a",
    name="Fig. 5a",
    title="The model of three vectors",
    asks="Does a product of three vectors, learned together, have a plateau that goes away when "
    "two of them are given?",
    needs=PaperNeeds.TOY,
    how="No run is needed: the model is computed as you look.",
    address="/toy",
    tables=[tables.TOY_LOSS],
    expected="All digits: it depends on no data.",
)
TOY_9 = PaperFigure(
    id="fig-9",
    name="Fig. 9",
    title="Progress measures in the model of three vectors",
    asks="Do progress measures show how one part alone would be learned, or do they bend with "
    "the phase change of the whole?",
    needs=PaperNeeds.TOY,
    how="No run is needed: the model is computed as you look.",
    address="/toy",
    tables=[tables.TOY_PROGRESS],
    expected="All digits: it depends on no data.",
)
FIG_3B = _analysed(
    "fig-3b",
    "Fig. 3b",
    "Induction heads form together",
    "Do the induction heads of layer 2 form one by one, or all at the drop of the loss?",
    "the analysis “all sequences of the task” of 100 checkpoints",
    tables.STRENGTHS,
    tables.STRENGTH_GROWTH,
    tables.DIRECT,
    analysis="along-training",
)
FIG_4A = _analysed(
    "fig-4a",
    "Fig. 4a",
    "Accuracy of heads alone and of all others",
    "Does a head that attends better to the right label also answer better by itself, and what is "
    "lost without it?",
    _GRID,
    tables.ONLY_ACCURACY,
    tables.CORRELATION,
    analysis="every-head",
)
FIG_7 = PaperFigure(
    id="fig-7",
    name="Fig. 7",
    title="Layer 1 of another run",
    asks="Does a layer 1 that was trained with another layer 2 help a new one to learn?",
    needs=PaperNeeds.TRAINING,
    how="Runs of three seeds are trained first; their layer 1 is grafted by clamps `graft_in`. A "
    "study cannot yet graft from runs of its own: launch the three, then a study of grafts.",
    tables=[tables.GRAFTED],
    expected="Its own layer 1 makes the phase change nearly immediate; that of another seed takes "
    "the plateau away and is slower afterwards.",
)
FIG_10 = _analysed(
    "fig-10",
    "Fig. 10",
    "Clamping beside progress measures",
    "Do measures of progress along an unclamped training agree with training under clamps?",
    "the analysis “programs of your own” along the run of one head",
    tables.PROGRESS,
    one_head=True,
)
FIG_11 = _analysed(
    "fig-11",
    "Fig. 11",
    "The wiring of two layers",
    "Which head of layer 1 does each induction head read from, by its keys and by its values?",
    "the analysis “wiring of two layers” of the unclamped run",
    *tables.WIRING,
    analysis="wiring",
)
FIG_12 = _analysed(
    "fig-12",
    "Fig. 12",
    "Ways to the output along the training",
    "When does the output stop to depend on layer 1 directly, and come to depend on layer 2?",
    "the analysis “programs of your own” along the unclamped run",
    tables.DIRECT_LOSS,
)
FIG_13 = _analysed(
    "fig-13",
    "Fig. 13",
    "Loss of heads alone and of all others",
    "The same as Fig. 4a, as losses.",
    _GRID,
    tables.ONLY_LOSS,
    analysis="every-head",
)
FIG_14 = _analysed(
    "fig-14",
    "Fig. 14",
    "Heads added back",
    "Do heads add up: does every further one make the loss smaller?",
    "the analysis “heads added back” of the unclamped run",
    tables.ADD_BACK,
    analysis="added-back",
)
FIG_16 = _analysed(
    "fig-16",
    "Fig. 16",
    "What each head copies",
    "With a perfect match, which labels does each head get right?",
    "the analysis “programs of your own”: one head with its attention set",
    tables.PERFECT_ACCURACY,
    tables.BY_LABEL,
)
FIG_18 = PaperFigure(
    id="fig-18",
    name="Fig. 18",
    title="Strength, loss and learning time over seeds",
    asks="Over five seeds, does a head's strength in the whole model tell how well it does alone, "
    "and how soon it learns alone?",
    needs=PaperNeeds.ANALYSES,
    how="the runs of Fig. 4b for five seeds, and the analysis “heads removed and kept” of each",
    tables=[tables.SEED_STRENGTHS, tables.SEED_ACCURACY, tables.SEED_LOSS, tables.SEED_TIMES],
    expected=_QUALITATIVE,
)
TABLE_1 = _analysed(
    "table-1",
    "Table 1",
    "Previous-token heads serve the keys",
    "What is lost without the previous-token heads of layer 1: what layer 2 attends to, or what "
    "it copies?",
    "the analysis “programs of your own”: heads of layer 1 ablated, patterns or values preserved",
    tables.PREVIOUS_TOKEN_SETS,
)
TABLE_2 = _analysed(
    "table-2",
    "Table 2",
    "Mistakes that another head gets right",
    "Do heads make the same mistakes?",
    f"{_GRID}; its table of recovered mistakes",
    tables.RECOVERED,
    analysis="every-head",
)
TABLE_3 = _analysed(
    "table-3",
    "Table 3",
    "Mistakes that another head gets right, with a perfect match",
    "Do heads fail to copy the same labels?",
    "the analysis “programs of your own”: one head with its attention set",
    tables.RECOVERED_PERFECT,
)
