"""What Python and scripts both say: tables of cases, which the scripts' tests read, too."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.schemas.measure import Measurement
from app.schemas.view import ChartView, XAxis
from app.schemas.words import grouped
from app.services import wording
from app.services.charts.axes import Axis
from app.services.compare.curves import Curve, smoothed
from app.templating import WEB

CASES = Path(__file__).resolve().parents[2] / "cases"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def cases(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text())


def aged(seconds: float) -> str:
    return wording.age(NOW - timedelta(seconds=seconds), NOW)


SAYING = {
    "short": wording.short,
    "grouped": grouped,
    "fixed": wording.fixed,
    "nats": wording.nats,
    "duration": wording.duration,
    "age": aged,
}


@pytest.mark.parametrize("name", cases("wording"))
def test_numbers_read_as_the_scripts_say_them(name: str) -> None:
    table = cases("wording")[name]
    assert [[number, SAYING[name](number)] for number, _ in table] == table


@pytest.mark.parametrize("case", cases("places"), ids=lambda case: case["kind"])
def test_places_of_an_axis_lie_where_the_scripts_put_them(case: dict[str, Any]) -> None:
    axis = Axis(XAxis(case["kind"]), "", case["scale"], 0, 1, case["known"])
    for sequences, place in case["at"]:
        assert axis.at(sequences) == (None if place is None else pytest.approx(place))
    for place, written in case["written"]:
        assert axis.written(place) == pytest.approx(written)
    for sequences, seconds, place in case["of"]:
        assert axis.of(measured(sequences, seconds)) == pytest.approx(place)
    for sequences, is_shown in case["shows"]:
        assert axis.shows(measured(sequences)) is is_shown


def measured(sequences: int, seconds: float = 0) -> Measurement:
    return Measurement.model_construct(sequences=sequences, elapsed_seconds=seconds)


@pytest.mark.parametrize("case", cases("smoothing"), ids=lambda case: str(case["numbers"]))
def test_lines_are_smoothed_as_the_scripts_do(case: dict[str, Any]) -> None:
    numbers = [math.nan if number is None else number for number in case["numbers"]]
    curve = smoothed(Curve(range(len(numbers)), range(len(numbers)), numbers), case["weight"])
    said = [None if math.isnan(number) else number for number in curve.numbers]
    assert said == [None if one is None else pytest.approx(one) for one in case["smoothed"]]


def test_scripts_name_parts_of_the_view_as_the_address_does() -> None:
    code = "\n".join(path.read_text() for path in (WEB / "static/js/run").glob("*.js"))
    read = set(re.findall(r"\bview\.now\.(\w+)", code))
    taken = re.findall(r"const \{ ([\w, ]+) \} = this\.view\.now", code)
    changed = re.findall(r"\bview\.set\(\{ (\w+)[:,]", code)
    named = read | {name for names in taken for name in names.split(", ")} | set(changed)
    known = {field.alias or name for name, field in ChartView.model_fields.items()}
    assert named <= known
    assert len(named) > 7
