"""What the paper found, as if analyses here had found it: from its published tables."""

from app.schemas.analyses.read import AnalysisResult, CellRead, RecoveryRead
from app.schemas.paper import compared, tables
from app.schemas.paper.curves import MAIN_TRAIN
from app.schemas.paper.rules import MeasuredCurve, at
from app.schemas.state import RunState

END = 1_000_000
ALL = 0.99998724
STRENGTHS = list(compared.PUBLISHED_STRENGTHS)
LOSS = MeasuredCurve(*zip(*MAIN_TRAIN.points, strict=True))


def cell(group, checkpoint=END, **numbers) -> CellRead:
    found = {"loss": 0.0, "accuracy": 0.0, "in_context_accuracy": 1.0, "mistakes": 0}
    found |= {"head": None, "other": None, "induction_strength": [[0.0] * 8, STRENGTHS]}
    return CellRead(checkpoint=checkpoint, name=group, group=group, **(found | numbers))


def places_of(table) -> list[int]:
    return [1000 * int(column.removesuffix("k")) for column in table.columns[1:]]


def numbers(table, row) -> list[float]:
    return [float(one or 0) for one in table.rows[row][1:]]


def recovery(group, shares) -> list[RecoveryRead]:
    rows = [shares if head == 3 else [None] * 8 for head in range(8)]
    heads = [f"head {head}" for head in range(8)]
    return [RecoveryRead(checkpoint=END, group=group, cells=heads, share=rows)]


def result(cells, recovered=()) -> AnalysisResult:
    return AnalysisResult(
        id="paper",
        state=RunState.FINISHED,
        sequences=78_400,
        population=78_400,
        strongest=compared.by_strength(STRENGTHS),
        looking_back=[2, 5, 1],
        cells=cells,
        recovery=list(recovered),
        composition=[],
    )


def every_head() -> AnalysisResult:
    alone = zip(numbers(tables.ONLY_ACCURACY, 0), numbers(tables.ONLY_LOSS, 0), strict=True)
    only = [
        cell("only", head=head, accuracy=accuracy, loss=loss, mistakes=1553)
        for head, (accuracy, loss) in enumerate(alone)
    ]
    remove = [cell("remove", head=h, accuracy=0.987 if h == 3 else 1.0) for h in range(8)]
    whole = cell("none", accuracy=ALL)
    return result([whole, *remove, *only], recovery("only", numbers(tables.RECOVERED, 0)))


def perfect_match() -> AnalysisResult:
    matched = [
        cell(
            "matched",
            head=head,
            accuracy=accuracy,
            mistakes=58,
            by_label=[
                {"label": label, "accuracy": one}
                for label, one in enumerate(numbers(tables.BY_LABEL, head))
            ],
        )
        for head, accuracy in enumerate(numbers(tables.PERFECT_ACCURACY, 0))
    ]
    shares = numbers(tables.RECOVERED_PERFECT, 0)
    return result([cell("none", accuracy=ALL), *matched], recovery("matched", shares))


def wiring() -> AnalysisResult:
    base = numbers(tables.ONLY_ACCURACY, 0)
    cells = [cell("base", head=head, accuracy=one) for head, one in enumerate(base)]
    groups = ("only_values", "only_patterns", "remove_values", "remove_patterns")
    for group, table in zip(groups, tables.WIRING, strict=True):
        for later, row in enumerate(table.rows):
            before = base[later] if group.startswith("remove") else 0.0
            cells += [
                cell(group, head=later, other=earlier, accuracy=before + float(one or 0))
                for earlier, one in enumerate(row[1:])
            ]
    return result(cells)


def added_back() -> AnalysisResult:
    cells = [
        cell(group, head=0, loss=float(one))
        for group, row in zip(("add_back", "add_back_rest"), tables.ADD_BACK.rows, strict=True)
        for one in row[1:]
        if one is not None
    ]
    return result([cell("none", accuracy=ALL, loss=0.0018), *cells])


def previous_token_sets() -> AnalysisResult:
    groups = ("looking_back", "others")
    return result(
        [
            cell(f"{group}_{way}", accuracy=float(one or 0))
            for group, row in zip(groups, tables.PREVIOUS_TOKEN_SETS.rows, strict=True)
            for way, one in zip(("patterns", "values"), row[1:], strict=True)
        ]
    )


def ways_to_output() -> AnalysisResult:
    accuracy = {"none": ALL, "way_0": 0.9998597}
    cells = []
    for number, place in enumerate(places_of(tables.DIRECT_LOSS)):
        whole = at(LOSS, place) or 0.0
        cells.append(cell("none", place, loss=whole, accuracy=accuracy["none"]))
        cells += [
            cell(group, place, loss=whole + float(one), accuracy=accuracy.get(group, 0.2))
            for group, row in zip(("way_0", "way_1"), tables.DIRECT_LOSS.rows, strict=True)
            if (one := row[1 + number]) is not None
        ]
    return result(cells)


def sub_circuits() -> AnalysisResult:
    return result(
        [
            cell(group, place, loss=float(one))
            for number, place in enumerate(places_of(tables.PROGRESS))
            for group, row in zip(("look_back", "match"), tables.PROGRESS.rows, strict=True)
            if (one := row[1 + number]) is not None
        ]
    )


def along_training() -> AnalysisResult:
    """Of the other heads only the ends are published: they are taken to grow as the first does."""
    table = tables.STRENGTH_GROWTH
    grown = dict(zip(places_of(table), numbers(table, 0), strict=True))
    grown |= {0: 0.0, 100_000: 0.01, END: STRENGTHS[3]}
    cells = []
    for place in sorted(grown):
        share = grown[place] / STRENGTHS[3]
        strengths = [[0.0] * 8, [share * one for one in STRENGTHS]]
        loss = at(LOSS, place)
        cells.append(cell("none", place, loss=loss, induction_strength=strengths))
    return result(cells)
