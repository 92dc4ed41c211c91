"""No clamp without effect: a random program of the whole catalogue is refused, or each of its
clamps changes the output of the model; and what is refused for doing nothing does nothing."""

from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.schemas.clamps.base import BaseClamp, Picks
from app.schemas.clamps.check import ClampError, check_program
from app.schemas.clamps.kinds import (
    KINDS,
    GraftIn,
    GraftOut,
    InductionPattern,
    MatchPattern,
    PerfectCopy,
    PreviousTokenPattern,
    Scale,
    SetConstant,
    Temperature,
)
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, Point, Positions, Site
from app.schemas.config import RunConfig
from tests.unit.science.support import clamped

SAME = 1e-9  # in double precision; what differs by less is rounding
BY_NORMS = 2e-2  # a norm undoes a factor but for its epsilon

CONFIGS = st.builds(
    clamped.config,
    st.just(()),
    st.sampled_from([2, 3]),
    layers=st.sampled_from([1, 2, 2, 3]),
    attn_bias=st.booleans(),
    mlp_ratio=st.sampled_from([0, 2]),
    positions=st.sampled_from(["rotary", "learned", "sinusoidal"]),
)
STRENGTHS = st.sampled_from([0.0, 0.3, 0.5, 1.0])
SETTINGS: dict[type[BaseClamp], dict[str, st.SearchStrategy[Any]]] = {
    InductionPattern: {"strength": STRENGTHS},
    PreviousTokenPattern: {"strength": STRENGTHS},
    MatchPattern: {"temperature": st.sampled_from([0.0, 0.1])},
    Temperature: {"temperature": st.sampled_from([0.5, 2.0])},
    Scale: {"by": st.sampled_from([-1.0, 0.0, 0.5, 2.0])},
    PerfectCopy: {"source": st.sampled_from(["live", "unclamped"])},
    GraftIn: {"checkpoint": st.just(clamped.DONOR)},
    GraftOut: {"checkpoint": st.just(clamped.DONOR)},
}


@st.composite
def sites(draw: st.DrawFn, kind: type[BaseClamp], of: RunConfig) -> Site:
    point = draw(st.sampled_from(sorted(kind.sites.points)))
    layer: int | None = draw(st.integers(0, of.model.layers - 1))
    heads = draw(st.sets(st.integers(0, of.model.heads - 1), min_size=1))
    if kind.sites.picks is Picks.HEAD:
        heads = {min(heads)}
    elif kind.sites.picks is Picks.ANY and draw(st.integers(0, 4)) == 0:
        layer = None
    if point in LAYERLESS_POINTS:
        layer = None
    positions = Positions.ALL
    if point is not Point.LOGITS:
        positions = draw(st.sampled_from(kind.sites.positions))
    return Site(point, layer, tuple(sorted(heads)) if point in HEAD_POINTS else None, positions)


@st.composite
def clamps(draw: st.DrawFn, of: RunConfig) -> BaseClamp:
    kind = draw(st.sampled_from(KINDS))
    site = draw(sites(kind, of))
    values = {name: draw(values) for name, values in SETTINGS.get(kind, {}).items()}
    if kind is SetConstant:
        size = clamped.dimensions(of).features_at(site.point)
        some = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=size, max_size=size)
        values["value"] = draw(st.one_of(st.sampled_from([0.0, 0.7]), some.map(tuple)))
    try:
        return kind(site=site, **values)
    except ValidationError:
        assume(False)
        raise


@st.composite
def programs(draw: st.DrawFn) -> RunConfig:
    plain = draw(CONFIGS)
    program = draw(st.lists(clamps(plain), min_size=1, max_size=4))
    return plain.model_copy(update={"program": tuple(program)})


def without(of: RunConfig, index: int) -> RunConfig:
    rest = of.program[:index] + of.program[index + 1 :]
    return of.model_copy(update={"program": rest})


def refusal(of: RunConfig) -> ClampError | None:
    try:
        check_program(of.program, clamped.dimensions(of))
    except ClampError as error:
        return error
    return None


@settings(max_examples=150, deadline=None)
@given(programs())
def test_a_program_is_refused_or_each_of_its_clamps_changes_the_output(of: RunConfig) -> None:
    if error := refusal(of):
        event("refused")
        if "would change nothing" in str(error):
            tolerance = BY_NORMS if any(isinstance(c, Scale) for c in of.program) else 1e-5
            assert effect(of, without(of, error.index)) < tolerance, str(error)
        return

    event("accepted")
    for index, clamp in enumerate(of.program):
        assert effect(of, without(of, index)) > SAME, f"{clamp.title} at {clamp.site}"
    assert effect(of, of.model_copy(update={"program": ()})) > SAME


def effect(of: RunConfig, other: RunConfig) -> float:
    return clamped.difference(clamped.logits(of), clamped.logits(other))


def preserve(site: str) -> dict:
    return {"kind": "preserve", "site": site}


def ablate(site: str, **window: int) -> dict:
    return {"kind": "ablate", "site": site, **window}


COPY = {"kind": "perfect_copy", "site": "L1H3.score[query]"}
LAYER_1 = {"kind": "perfect_layer1", "site": "L0.resid"}
INDUCTION = {"kind": "set_pattern", "target": "induction", "site": "L1H3.pattern[query]"}
MATCH = INDUCTION | {"target": "match"}
COOL = {"kind": "temperature", "site": "L1H3.score", "temperature": 0.5}
GRAFT = {"kind": "graft_in", "site": "L0.resid", "checkpoint": "abc@5000"}


@pytest.mark.parametrize(
    ("program", "index", "message"),
    [
        ([preserve("L*.pattern")], 0, "no other clamp changes what leads there"),
        ([preserve("L0.v"), ablate("L0H2.v")], 0, "no other clamp changes what leads there"),
        ([preserve("L*.pattern"), ablate("L0H2.v"), COOL], 2, "beside preserve .L..pattern."),
        ([COPY, ablate("L1H2.v")], 1, "ablate would change nothing beside perfect copy"),
        ([LAYER_1, ablate("L0H2.v")], 1, "ablate would change nothing beside perfect layer 1"),
        ([GRAFT, ablate("embed")], 1, "ablate would change nothing beside graft in"),
        ([INDUCTION, MATCH], 1, "match pattern and induction pattern .* both decide the pattern"),
        ([INDUCTION, COOL], 1, "head temperature would change nothing beside induction pattern"),
        ([ablate("L0H1.z"), ablate("L0H1.v")], 1, "would change nothing beside ablate .L0H1.z."),
        ([{"kind": "scale", "site": "L1.resid", "by": 2}], 0, "the norm that follows undoes"),
        ([COOL | {"temperature": 1}], 0, "a temperature of 1 changes nothing"),
        ([COOL | {"site": "L1.score[labels]"}], 0, "is the last, of which only the query is read"),
        ([{"kind": "set", "site": "L1H3.z", "value": [1, 2]}], 0, "has 8 features, not the 2"),
        ([ablate("L1H3.v", from_sequences=2_000_000)], 0, "the run ends at 1,000,000"),
        ([ablate("L1H3.v", from_sequences=9, until_sequences=9)], 0, "must lie after"),
        ([ablate("L1H3.v"), ablate("L1H3,4.v", from_sequences=9)], 1, "both decide"),
        ([COPY | {"site": "L1.score[query]"}], 0, "needs one head"),
        ([LAYER_1 | {"site": "L1.resid"}], 0, "means L0.resid of a model of 2 layers"),
        ([GRAFT | {"checkpoint": "somewhere"}], 0, "pattern"),
    ],
)
def test_a_refusal_names_the_clamp_the_site_and_the_reason(
    program: list[dict], index: int, message: str
) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        RunConfig.model_validate({"program": program})

    (error,) = caught.value.errors()
    assert error["loc"][:2] == ("program", index)


def test_what_two_layers_mean_is_refused_where_there_are_three() -> None:
    with pytest.raises(ValidationError, match="a model of 2 layers; this has 3"):
        RunConfig.model_validate({"model": {"layers": 3}, "program": [LAYER_1]})


def test_lights_that_follow_one_another_may_share_a_site() -> None:
    program = [
        INDUCTION | {"until_sequences": 1000},
        INDUCTION | {"strength": 0.5, "from_sequences": 1000},
        ablate("L1H3.v", from_sequences=3000),
    ]
    with pytest.raises(ValidationError, match="would change nothing beside"):
        RunConfig.model_validate({"program": [INDUCTION, ablate("L1H3.v")]})

    assert len(RunConfig.model_validate({"program": program}).program) == 3
