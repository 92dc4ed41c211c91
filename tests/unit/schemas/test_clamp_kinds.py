"""A kind of clamp says all about itself; one that leaves something out fails loudly."""

import pytest

from app.schemas.clamps.base import BaseClamp, Source
from app.schemas.clamps.kinds import KINDS
from app.schemas.clamps.site import Site

CHECKPOINT = "8kq2m4x7vd@5024"


def clamp_of(kind: type[BaseClamp]) -> BaseClamp:
    """One at its usual site, with its usual settings."""
    needed = {"checkpoint": CHECKPOINT} if "checkpoint" in kind.model_fields else {}
    return kind(site=Site.parse(kind.usual), **needed)


CLAMPS = [clamp_of(kind) for kind in KINDS]
NAMES = [kind.__name__ for kind in KINDS]


@pytest.mark.parametrize("clamp", CLAMPS, ids=NAMES)
def test_every_kind_says_what_its_value_is_made_from(clamp):
    sources = {clamp.source_at(point) for point in clamp.sites.points}

    if Source.CONSTANT in sources:
        assert clamp.constant(5) is not None
        assert clamp.numbers() == {}
    if sources & {Source.FACTOR, Source.LABELS, Source.ALIKE}:
        assert clamp.numbers()
    assert (clamp.donor is not None) == bool(sources & {Source.GRAFT, Source.GRAFT_OUT})


def test_a_kind_of_constant_that_says_none_is_an_error_and_no_zero():
    silent = next(clamp for clamp in CLAMPS if clamp.made_from is Source.FACTOR)

    with pytest.raises(TypeError, match="says no constant"):
        silent.constant(5)


def test_a_kind_without_a_sentence_or_an_effect_cannot_be():
    class Nothing(BaseClamp):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing(site=Site.parse("L1H3.v"))


def test_a_pattern_one_back_is_a_row_of_keys_for_every_token():
    kind = next(kind for kind in KINDS if kind.__name__ == "PreviousTokenPattern")
    clamp = kind(site=Site.parse(kind.usual), strength=0.75)

    assert clamp.constant(3) == ((1.0, 0.0, 0.0), (0.75, 0.25, 0.0), (0.0, 0.75, 0.25))
