"""The program that a run config can hold for options of the published code.

That code takes options that do nothing beside others; a config refuses clamps without effect. So
those are left out here, each with the reason, and what remains computes the same. Heads of one
layer that are clamped alike become one clamp.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from app.schemas.clamps.base import BaseClamp, Phase
from app.schemas.clamps.dataflow import Dataflow
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.kinds import (
    Ablate,
    Clamp,
    ForbidNonLabels,
    ForbidPreviousToken,
    GraftIn,
    GraftOut,
    InductionPattern,
    MatchPattern,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    PreviousTokenPattern,
    Temperature,
)
from app.schemas.clamps.site import Point
from app.schemas.published.options import PREFIX, PublishedOptions, exact_program
from app.schemas.words import enumerate_words


class IgnoredOption(BaseModel):
    """An option of the published code that is not in the run config, and why."""

    model_config = ConfigDict(frozen=True)

    option: str
    reason: str


def effective_program(
    options: PublishedOptions, dimensions: Dimensions
) -> tuple[tuple[Clamp, ...], list[IgnoredOption]]:
    """The clamps that matter, and which options or heads do not."""
    program = _grouped(exact_program(options, layers=dimensions.layers))
    ignored = _told(_drop_idle(program, Dataflow(dimensions)))
    used = {option_of(clamp) for clamp in program} | {one.option for one in ignored}
    ignored += _unused(options, used)
    return _merged(_live(program), dimensions.heads), ignored


def _told(idle: Iterable[tuple[Clamp, str]]) -> list[IgnoredOption]:
    """One entry for the heads of an option that do nothing for the same reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for clamp, why in idle:
        groups.setdefault((option_of(clamp), why), []).extend(_names(clamp))
    return [
        IgnoredOption(option=option, reason=_sentence(sorted(heads), why))
        for (option, why), heads in groups.items()
    ]


def _names(clamp: Clamp) -> list[str]:
    """`1:3`, as the published code writes a head; nothing for a whole layer."""
    return [f"{clamp.site.layer}:{head}" for head in clamp.site.heads or ()]


def _sentence(heads: Sequence[str], why: str) -> str:
    if not heads:
        return why
    return f"at head{'s' * (len(heads) > 1)} {enumerate_words(heads)}: {why}"


def option_of(clamp: BaseClamp) -> str:
    """The published option that a clamp comes from."""
    name = _OPTIONS.get(type(clamp)) or _OPTIONS_BY_POINT[type(clamp), clamp.site.point]
    return f"{PREFIX}{name}"


_OPTIONS: dict[type[BaseClamp], str] = {
    PreviousTokenPattern: "prev_token_heads",
    InductionPattern: "induction_heads",
    MatchPattern: "match_heads",
    Temperature: "set_head_temperature",
    ForbidPreviousToken: "disallow_prev_token_heads",
    ForbidNonLabels: "final_layer_silence_non_label_attn",
    PerfectLayer1: "specific_fn",
    PerfectCopy: "perfect_copy_from_head_pattern",
    GraftIn: "graft_in_model_ckpt",
    GraftOut: "graft_out_model_ckpt",
}
_OPTIONS_BY_POINT: dict[tuple[type[BaseClamp], Point], str] = {
    (Ablate, Point.V): "ablate_heads",
    (Ablate, Point.EMBED): "ablate_embedding",
    (Preserve, Point.PATTERN): "preserve_patterns",
    (Preserve, Point.V): "preserve_values",
    (Preserve, Point.Q): "preserve_queries",
    (Preserve, Point.K): "preserve_keys",
    (Preserve, Point.SCORE): "set_head_temperature",  # which freezes its layer
}

# Options that only say how another one acts.
_MODIFIERS = {
    "prev_token_head_strength": "prev_token_heads",
    "prev_token_only_label": "prev_token_heads",
    "induction_head_strength": "induction_heads",
    "match_head_temperature": "match_heads",
    "disallow_prev_token_only_label": "disallow_prev_token_heads",
    "graft_in_model_till_layer": "graft_in_model_ckpt",
    "graft_out_model_from_layer": "graft_out_model_ckpt",
}
_LIFTED = "has no effect beside {}: in the published code every row is clamped then"


def _drop_idle(program: list[Clamp], flow: Dataflow) -> Iterator[tuple[Clamp, str]]:
    """Takes clamps without effect out of the program, one at a time, until all that are left
    matter; each leaves the output as it was. What is written later overrides, so it goes last."""
    while idle := next((one for one in reversed(program) if _is_idle(flow, program, one)), None):
        reason = _reason(flow, program, idle)
        program.remove(idle)
        yield idle, reason
    if program and flow.output(program) == flow.untouched:
        yield from ((one, "the options undo one another") for one in program)
        program.clear()


def _is_idle(flow: Dataflow, program: Sequence[Clamp], clamp: Clamp) -> bool:
    return flow.output(program) == flow.output(_without(program, clamp))


def _without(program: Sequence[Clamp], clamp: Clamp) -> list[Clamp]:
    return [one for one in program if one is not clamp]


def _reason(flow: Dataflow, program: Sequence[Clamp], clamp: Clamp) -> str:
    """Beside which option a clamp has no effect, if one alone is to blame."""
    is_freezing = isinstance(clamp, Preserve) and clamp.site.point is Point.SCORE
    what = "that it also freezes the scores of its layer " if is_freezing else ""
    for other in sorted(program, key=lambda one: one.site.layer != clamp.site.layer):  # near first
        if other is not clamp and not _is_idle(flow, _without(program, other), clamp):
            return f"{what}has no effect beside {option_of(other)}"
    if clamp.phase is Phase.REFERENCE:
        return f"{what}has no effect: no other option changes what leads there"
    return f"{what}has no effect: the output does not depend on it"


def _unused(options: PublishedOptions, used: set[str]) -> Iterator[IgnoredOption]:
    """Options that were given and that no clamp comes from."""
    for name, field in PublishedOptions.model_fields.items():
        if getattr(options, name) == field.default:
            continue
        if reason := _reason_unused(options, name, used):
            yield IgnoredOption(option=f"{PREFIX}{name}", reason=reason)


def _reason_unused(options: PublishedOptions, name: str, used: set[str]) -> str | None:
    if name.endswith("_model_cfg"):
        return "a checkpoint of ours knows its model and program"
    if name == "prev_token_only_label" and options.preserve_patterns:
        return _LIFTED.format(f"{PREFIX}preserve_patterns")
    layer = options.temperature_layer
    if name == "disallow_prev_token_only_label" and layer in options.disallowed_layers:
        return _LIFTED.format(f"{PREFIX}set_head_temperature in layer {layer}")
    head_option = _MODIFIERS.get(name, name)
    if f"{PREFIX}{head_option}" in used:
        return None
    return _reason_unread(options, name, head_option)


def _reason_unread(options: PublishedOptions, name: str, head_option: str) -> str:
    if name == "specific_fn":
        return "standard is what it is anyway"
    if name != head_option and not getattr(options, head_option):
        return f"has no effect without {PREFIX}{head_option}"
    if not options.is_perfect_layer1:
        return "has no effect beside the other options"
    if name == "ablate_heads":
        return f"perfect_prev_token_input ignores it beside {PREFIX}perfect_copy_from_head_pattern"
    return "perfect_prev_token_input ignores it"


def _live(program: Sequence[Clamp]) -> list[Clamp]:
    """A copy without any other clamp is the same from this pass as from an unclamped one."""
    if len(program) == 1 and isinstance(program[0], PerfectCopy):
        return [PerfectCopy(site=program[0].site)]
    return list(program)


def _grouped(program: Sequence[Clamp]) -> list[Clamp]:
    """Heads of a layer to which all the same is done, as one: they matter together or not at all,
    so that there are few questions to ask of however many heads."""
    done: dict[tuple[int | None, int], set[str]] = {}
    for clamp in program:
        for head in clamp.site.heads or ():
            done.setdefault((clamp.site.layer, head), set()).add(_alike(clamp))

    def key(clamp: Clamp) -> Hashable:
        heads = clamp.site.heads or ()
        return _alike(clamp), tuple(frozenset(done[clamp.site.layer, head]) for head in heads)

    return _joined(program, key)


def _merged(program: Sequence[Clamp], heads: int) -> tuple[Clamp, ...]:
    """One clamp for all heads of a layer that are clamped alike."""
    joined = _joined(program, _alike)
    return tuple(
        _at(clamp, None) if len(clamp.site.heads or ()) == heads > 1 else clamp for clamp in joined
    )


def _alike(clamp: Clamp) -> str:
    """Equal for clamps that differ by their heads alone."""
    site = replace(clamp.site, heads=None)
    return f"{site} {clamp.model_dump_json(exclude={'site'})}"


def _joined(program: Sequence[Clamp], key: Callable[[Clamp], Hashable]) -> list[Clamp]:
    """Clamps of equal keys as one, with the heads of all."""
    groups: dict[Hashable, list[Clamp]] = {}
    for clamp in program:
        groups.setdefault(key(clamp), []).append(clamp)
    return [
        _at(group[0], tuple(sorted({head for clamp in group for head in clamp.site.heads or ()})))
        if group[0].site.heads
        else group[0]
        for group in groups.values()
    ]


def _at(clamp: Clamp, heads: tuple[int, ...] | None) -> Clamp:
    return clamp.model_copy(update={"site": replace(clamp.site, heads=heads)})
