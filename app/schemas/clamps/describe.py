"""Programs in words: one plain sentence per clamp and layer, for forms and run pages."""

from collections.abc import Callable, Iterator, Sequence

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import (
    Ablate,
    ForbidNonLabels,
    ForbidPreviousToken,
    GraftIn,
    GraftOut,
    InductionPattern,
    MatchPattern,
    MeanAblate,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    PreviousTokenPattern,
    Resample,
    Scale,
    SetConstant,
    Temperature,
)
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, Point, Positions, Site
from app.schemas.words import enumerate_words, grouped, head_name, layer_name


def describe(program: Sequence[BaseClamp], *, layers: int, heads: int) -> Iterator[str]:
    """One sentence per clamp and layer that it touches."""
    if not program:
        yield "Nothing is clamped: every head learns freely."
    for clamp in program:
        for site in _by_layer(clamp.site, layers):
            yield _sentence(clamp, site, heads)


def _by_layer(site: Site, layers: int) -> list[Site]:
    if site.point in LAYERLESS_POINTS:
        return [site]
    return [Site(site.point, layer, site.heads, site.positions) for layer in site.layers_of(layers)]


def _sentence(clamp: BaseClamp, site: Site, heads: int) -> str:
    return f"{_SENTENCES[type(clamp)](clamp, site, heads)}{_window(clamp)}."


def _window(clamp: BaseClamp) -> str:
    if clamp.until_sequences is None:
        return f", from {grouped(clamp.from_sequences)} sequences on" if clamp.is_windowed else ""
    until = grouped(clamp.until_sequences)
    if clamp.from_sequences == 0:
        return f", until {until} sequences"
    return f", from {grouped(clamp.from_sequences)} to {until} sequences"


def _subject(site: Site, heads: int) -> str:
    """`Layer 2, head 3`, `All heads of layer 1`."""
    touched, layer = site.heads_of(heads), site.layer or 0
    if len(touched) == heads:
        return f"All heads of {layer_name(layer).lower()}"
    if len(touched) == 1:
        return head_name(layer, touched[0])
    return f"{layer_name(layer)}, heads {enumerate_words([str(h) for h in touched])}"


def _many(site: Site, heads: int) -> bool:
    return len(site.heads_of(heads)) > 1


_THINGS = {
    Point.EMBED: "the embedding",
    Point.Q_INPUT: "what the queries are made from",
    Point.K_INPUT: "what the keys are made from",
    Point.V_INPUT: "what the values are made from",
    Point.Q: "the queries",
    Point.K: "the keys",
    Point.V: "the values",
    Point.SCORE: "the attention scores",
    Point.PATTERN: "the attention pattern",
    Point.Z: "what is attended to",
    Point.ATTN_OUT: "what attention writes",
    Point.RESID: "the residual stream after it",
    Point.LOGITS: "the logits",
}
_ROLES = {
    Positions.ALL: "",
    Positions.QUERY: " at the query",
    Positions.LABELS: " at label tokens",
    Positions.EXEMPLARS: " at exemplar tokens",
}


def _place(site: Site, heads: int) -> str:
    """`Layer 2, head 3: the values`."""
    thing = f"{_THINGS[site.point]}{_ROLES[site.positions]}"
    if site.point in LAYERLESS_POINTS:
        return thing.capitalize()
    who = _subject(site, heads) if site.point in HEAD_POINTS else layer_name(site.layer or 0)
    return f"{who}: {thing}"


def _verb(site: Site) -> str:
    plural = site.point in (Point.Q, Point.K, Point.V, Point.SCORE, Point.LOGITS)
    return "are" if plural else "is"


def _ablate(clamp: BaseClamp, site: Site, heads: int) -> str:
    if site.point is Point.V and site.positions is Positions.ALL:
        what = "are silenced: they write" if _many(site, heads) else "is silenced: it writes"
        return f"{_subject(site, heads)} {what} nothing"
    return f"{_place(site, heads)} {_verb(site)} zero"


def _elsewhere(clamp: BaseClamp, site: Site, heads: int) -> str:
    whose = "the mean over the batch" if isinstance(clamp, MeanAblate) else "another sequence's"
    return f"{_place(site, heads)} {_verb(site)} {whose}, unclamped{_stopped(clamp)}"


def _preserve(clamp: BaseClamp, site: Site, heads: int) -> str:
    are, they = ("are", "they") if _verb(site) == "are" else ("is", "it")
    return f"{_place(site, heads)} {are} what {they} would be unclamped{_stopped(clamp)}"


def _stopped(clamp: BaseClamp) -> str:
    return ", without gradient" if getattr(clamp, "gradient", "") == "stop" else ""


def _graft_in(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, GraftIn)
    return f"Everything up to {_layer(site)} is that of {_checkpoint(clamp.checkpoint)}, frozen"


def _graft_out(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, GraftOut)
    return f"Everything after {_layer(site)} is that of {_checkpoint(clamp.checkpoint)}, frozen"


def _layer(site: Site) -> str:
    return layer_name(site.layer or 0).lower()


def _checkpoint(text: str) -> str:
    run, at, sequences = text.rpartition("@")
    is_run = at and sequences.isdigit()
    return f"run {run} at {grouped(int(sequences))} sequences" if is_run else text


def _scale(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, Scale)
    return f"{_place(site, heads)} {_verb(site)} multiplied by {clamp.by:g}"


def _temperature(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, Temperature)
    how = "sharper" if clamp.temperature < 1 else "flatter"
    attend = "attend" if _many(site, heads) else "attends"
    rows = _ROLES[site.positions]
    return f"{_subject(site, heads)} {attend} {how}{rows}: at temperature {clamp.temperature:g}"


def _set(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, SetConstant)
    value = clamp.value
    what = f"{value:g} everywhere" if isinstance(value, float) else f"set to {len(value)} numbers"
    return f"{_place(site, heads)} {_verb(site)} {what}"


def _induction(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, InductionPattern)
    attend = "attend" if _many(site, heads) else "attends"
    target = _induction_words(clamp.strength)
    return f"{_subject(site, heads)} always {attend} from the query to {target}"


def _induction_words(strength: float) -> str:
    if strength == 1:
        return "the correct label"
    if strength == 0:
        return "the wrong label"
    return f"the correct label with strength {strength:g}, to the wrong one with {1 - strength:g}"


def _previous_token(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, PreviousTokenPattern)
    attend = "attend" if _many(site, heads) else "attends"
    rows = "each label token" if site.positions is Positions.LABELS else "every token"
    rest = (
        "" if clamp.strength == 1 else f", with strength {clamp.strength:g} and the rest on itself"
    )
    return f"{_subject(site, heads)} always {attend} from {rows} to the token before it{rest}"


def _match(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, MatchPattern)
    attend = "attend" if _many(site, heads) else "attends"
    soft = f", at temperature {clamp.temperature:g}" if clamp.temperature else ""
    return (
        f"{_subject(site, heads)} always {attend} from the query to the label whose exemplar "
        f"looks most like it{soft}"
    )


def _forbid_previous(clamp: BaseClamp, site: Site, heads: int) -> str:
    rows = f"{_ROLES[site.positions]}" if site.positions is not Positions.ALL else ""
    return f"{_subject(site, heads)} cannot attend to the token before{rows}"


def _forbid_non_labels(clamp: BaseClamp, site: Site, heads: int) -> str:
    attend = "attend" if _many(site, heads) else "attends"
    return f"{_subject(site, heads)} {attend} from the query to label tokens only"


def _perfect_layer1(clamp: BaseClamp, site: Site, heads: int) -> str:
    return (
        "Layer 1 works perfectly: layer 2 reads the token before for its queries and keys, "
        "and plain embeddings for its values"
    )


def _perfect_copy(clamp: BaseClamp, site: Site, heads: int) -> str:
    assert isinstance(clamp, PerfectCopy)
    source = "" if clamp.source == "live" else ", taken from an unclamped pass"
    return f"The output copies {_subject(site, heads).lower()}: the scores of its labels{source}"


_SENTENCES: dict[type[BaseClamp], Callable[[BaseClamp, Site, int], str]] = {
    Ablate: _ablate,
    MeanAblate: _elsewhere,
    Resample: _elsewhere,
    Preserve: _preserve,
    GraftIn: _graft_in,
    Scale: _scale,
    Temperature: _temperature,
    SetConstant: _set,
    InductionPattern: _induction,
    PreviousTokenPattern: _previous_token,
    MatchPattern: _match,
    ForbidPreviousToken: _forbid_previous,
    ForbidNonLabels: _forbid_non_labels,
    PerfectLayer1: _perfect_layer1,
    PerfectCopy: _perfect_copy,
    GraftOut: _graft_out,
}
