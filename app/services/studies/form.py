"""The form of a study: a base config as in the launch form, and rows of what varies.

Nothing that was typed is lost when it is wrong; errors stand at the rows that they are about.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue, ValidationError
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.schemas.presets import PRESETS
from app.schemas.studies.expansion import config_fields
from app.schemas.studies.request import PROGRAM, StudyAxis, StudyRequest
from app.services.launch.config_form import NAME, ConfigForm, Typed, form_of, read_form
from app.services.launch.faults import FormFault, faults, faults_at
from app.services.launch.sentences import Errors, full_stop
from app.services.studies.plan import StudyPlan, make_plan
from app.services.studies.values import ValuesError, read_values, write_values

FEWEST_ROWS = 4
RUNS, COMBINE, REUSE, NOTES = "runs", "combine", "reuse_finished", "notes"
_PLACES = {  # elements and names of what is no axis and no option
    "study": ("error-study", "The study"),
    "base": ("error-base", "All else as in"),
    RUNS: ("runs", "Runs one by one"),
}
_PRESETS = {preset.id: preset.name for preset in PRESETS}


@dataclass(frozen=True)
class AxisRow:
    """What was typed of one axis."""

    number: int
    field: str = ""
    values: str = ""
    presets: Sequence[str] = ()
    programs: str = ""  # JSON: a list of programs, each a list of clamps or with a label
    errors: Sequence[str] = ()

    @property
    def id(self) -> str:
        return f"axis-{self.number}"


@dataclass(frozen=True)
class StudyForm:
    """What was typed, what is wrong with it, and the study that it describes."""

    base: ConfigForm
    rows: Sequence[AxisRow]
    runs: str
    combine: str
    reuse: bool
    notes: str
    errors: Errors = field(default_factory=dict)
    request: StudyRequest | None = None  # None while something is wrong
    plan: StudyPlan | None = None

    @property
    def faults(self) -> list[FormFault]:
        """All that is wrong, each with its place in the form."""
        rows = {row.id: row.errors for row in self.rows if row.errors}
        places = {row.id: (f"{row.id}-values", f"Axis {row.number + 1}") for row in self.rows}
        own = faults_at(rows | dict(self.errors), places | _PLACES)
        return [*own, *faults(self.base)]


def form_of_request(request: StudyRequest) -> dict[str, str]:
    """What would be typed to get this study."""
    typed = dict(form_of(request.base, name=request.name).typed)
    for number, axis in enumerate(request.axes):
        typed |= {f"axis-{number}-{part}": text for part, text in _axis_typed(axis).items()}
    if request.runs:
        runs = [run.model_dump(mode="json") for run in request.runs]
        typed[RUNS] = _lines(runs)
    reuse = str(request.reuse_finished).lower()
    return typed | {COMBINE: request.combine, REUSE: reuse, NOTES: request.notes}


def read_study_form(session: Session, typed: Typed) -> StudyForm:
    """Reads what was typed, and plans the study unless something is wrong."""
    base = read_form(typed)
    rows = _rows(typed)
    errors: Errors = {}
    axes = [axis for row in rows if (axis := _axis(row, errors))]
    runs = _json_list(typed.get(RUNS, ""), RUNS, errors)
    request = None if base.config is None or errors else _request(base, typed, axes, runs, errors)
    plan = _plan(session, request, [row for row in rows if row.field], errors) if request else None
    return StudyForm(
        base=base,
        rows=[AxisRow(**{**vars(row), "errors": errors.get(row.id, ())}) for row in rows],
        runs=typed.get(RUNS, ""),
        combine=typed.get(COMBINE, "grid"),
        reuse=typed.get(REUSE, "true") == "true",
        notes=typed.get(NOTES, ""),
        errors={place: said for place, said in errors.items() if not place.startswith("axis-")},
        request=request if plan else None,
        plan=plan,
    )


def _axis_typed(axis: StudyAxis) -> dict[str, str]:
    if axis.field != PROGRAM:
        return {"field": axis.field, "values": write_values(axis.values)}
    presets: list[str] = []
    programs: list[JsonValue] = []
    for number, value in enumerate(axis.values):
        label = axis.labels[number] if axis.labels else None
        if isinstance(value, dict) and label is None:
            presets.append(str(value.get("preset")))
        else:
            programs.append({"label": label, PROGRAM: value} if label else value)
    written = _lines(programs) if programs else ""
    return {"field": PROGRAM, "presets": ",".join(presets), "programs": written}


def _lines(items: Sequence[object]) -> str:
    """A list as JSON, an item a line."""
    return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in items) + "\n]"


def _rows(typed: Typed) -> list[AxisRow]:
    numbers = {int(name.split("-")[1]) for name in typed if name.startswith("axis-")}
    count = max(FEWEST_ROWS, *(number + 2 for number in numbers), FEWEST_ROWS)
    return [_row(typed, number) for number in range(count)]


def _row(typed: Typed, number: int) -> AxisRow:
    def part(name: str) -> str:
        return typed.get(f"axis-{number}-{name}", "").strip()

    presets = [one for one in part("presets").split(",") if one]
    return AxisRow(number, part("field"), part("values"), presets, part("programs"))


def _axis(row: AxisRow, errors: Errors) -> dict[str, Any] | None:
    """The axis of a row, if it says one."""
    if not row.field:
        return None
    if row.field == PROGRAM:
        return _program_axis(row, errors)
    info = config_fields().get(row.field)
    try:
        values = read_values(row.values, is_text=info is not None and info.annotation is str)
    except ValuesError as error:
        errors[row.id] = [str(error)]
        return None
    return {"field": row.field, "values": values}


def _program_axis(row: AxisRow, errors: Errors) -> dict[str, Any] | None:
    programs = _json_list(row.programs, row.id, errors)
    values: list[JsonValue] = [{"preset": one} for one in row.presets]
    labels = [_PRESETS.get(one, one) for one in row.presets]
    is_labelled = any(isinstance(one, dict) and "label" in one for one in programs)
    for number, one in enumerate(programs):
        has_label = isinstance(one, dict) and "label" in one
        values.append(one.get(PROGRAM, []) if has_label else one)
        labels.append(str(one["label"]) if has_label else f"program {number + 1}")
    if not values and row.id not in errors:
        errors[row.id] = ["Tick the clamps to compare, or write programs as JSON."]
    return {"field": PROGRAM, "values": values, "labels": labels if is_labelled else None}


def _json_list(text: str, place: str, errors: Errors) -> list[Any]:
    """A list that was typed as JSON."""
    try:
        content = json.loads(text or "[]")
    except (json.JSONDecodeError, RecursionError) as error:
        errors[place] = [f"This is not JSON: {error}."]
        return []
    if not isinstance(content, list):
        errors[place] = ["Write a list: [ ... ]."]
        return []
    return content


def _request(
    base: ConfigForm,
    typed: Typed,
    axes: Sequence[Mapping[str, Any]],
    runs: list[Any],
    errors: Errors,
) -> StudyRequest | None:
    try:
        return StudyRequest.model_validate(
            {
                "name": typed.get(NAME, ""),
                "notes": typed.get(NOTES, ""),
                "base": base.config,
                "axes": axes,
                "combine": typed.get(COMBINE, "grid"),
                "runs": runs,
                "reuse_finished": typed.get(REUSE, "true") == "true",
            }
        )
    except ValidationError as error:
        for one in error.errors(include_url=False):
            place = str(one["loc"][0]) if one["loc"] else ""
            steps = ".".join(map(str, one["loc"][1:]))
            said = f"{steps}: {one['msg']}" if steps else one["msg"]
            errors.setdefault(place, []).append(full_stop(said))
    return None


def _plan(
    session: Session, request: StudyRequest, rows: Sequence[AxisRow], errors: Errors
) -> StudyPlan | None:
    try:
        return make_plan(session, request)
    except Invalid as error:
        match error.loc.split("/"):
            case ["", "axes", number, *_]:
                place = rows[int(number)].id
            case ["", "runs", *_]:
                place = RUNS
            case _:
                place = "study"
        errors.setdefault(place, []).append(error.detail)
    return None
