"""The options of a run by their short names, and how configs are put together."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, Literal, TypedDict

Clamp = Mapping[str, Any]  # {"kind": "ablate", "site": "L1H3.v"}, as in docs/clamps.md
Config = Mapping[str, Any]  # sections and `program`, as the API takes it; what it lacks is usual


class RunOptions(TypedDict, total=False):
    """Every option of a run that has one meaning by its name alone; the API says what each is.

    Seeds have sections only, but for `seed`, that of the initial weights:
    `config={"seeds": {"data": 7}}`.
    """

    layers: int
    heads: int
    width: int
    mlp_ratio: float
    attn_bias: bool
    positions: Literal["rotary", "learned", "sinusoidal"]
    dataset: str
    classes: int
    new_classes: int
    exemplars: int
    labels: int
    held_out: float
    held_out_pairs: Sequence[Sequence[int]]
    context_pairs: int
    burstiness: int
    zipf_exponent: float
    input_noise: float
    sequences: int
    batch_size: int
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    evaluate_every: int
    evaluation_sequences: int
    frame_every: int
    checkpoint_every: int
    seed: int


SECTIONS = {
    "model": ("layers", "heads", "width", "mlp_ratio", "attn_bias", "positions"),
    "task": (
        "dataset",
        "classes",
        "new_classes",
        "exemplars",
        "labels",
        "held_out",
        "held_out_pairs",
        "context_pairs",
        "burstiness",
        "zipf_exponent",
        "input_noise",
    ),
    "training": ("sequences", "batch_size", "learning_rate", "beta1", "beta2", "epsilon"),
    "recording": ("evaluate_every", "evaluation_sequences", "frame_every", "checkpoint_every"),
}
PLACES = {name: f"{section}.{name}" for section, names in SECTIONS.items() for name in names}
PLACES["seed"] = "seeds.initial"
PLACES["clamps"] = "program"


def place_of(name: str) -> str:
    """`learning_rate` -> `training.learning_rate`; a name with its section stays as it is."""
    if "." in name or name == "program":
        return name
    if name not in PLACES:
        near = get_close_matches(name, PLACES, n=1)
        right = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(PLACES)}."
        raise ValueError(f"There is no option {name!r}; {right}")
    return PLACES[name]


def merged(config: Config, options: Mapping[str, Any]) -> dict[str, Any]:
    """The config with these options in their sections; neither argument is changed."""
    made = deepcopy(dict(config))
    for name, value in options.items():
        *section, option = place_of(name).split(".")
        part = made.setdefault(section[0], {}) if section else made
        part[option] = value
    return made


def laid_over(base: Config, changes: Config) -> dict[str, Any]:
    """`changes` laid over `base`, section by section; a program is replaced as a whole."""
    made = deepcopy(dict(base))
    for name, part in changes.items():
        is_section = isinstance(part, Mapping) and isinstance(made.get(name), Mapping)
        made[name] = {**made[name], **part} if is_section else deepcopy(part)
    return made


def clamp(kind: str, site: str, **settings: Any) -> dict[str, Any]:
    """A clamp: `clamp("ablate", "L1H3.v")`, `clamp("set_pattern", "L1H3.pattern[query]",
    target="induction")`."""
    return {"kind": kind, "site": site, **settings}
