"""Figures and tables that are not made from training alone: what they ask and what they need."""

from app.schemas.paper import tables
from app.schemas.paper.figure import PaperFigure, PaperNeeds

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
