"""What can be set of the toy model, and the two figures of the paper as settings."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Vector = Literal["a", "b", "c"]
VECTORS: tuple[Vector, ...] = ("a", "b", "c")
Clamped = frozenset[Vector]
NONE = "none"


class ToySettings(BaseModel):
    """The paper's are the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: Annotated[int, Field(ge=1, le=1000, description="Of each of the vectors")] = 20
    seed: Annotated[
        int, Field(ge=0, lt=2**32, description="Of the true and of the initial vectors")
    ] = 1
    learning_rate: Annotated[
        float, Field(gt=0, le=1000, allow_inf_nan=False, description="Of gradient descent")
    ] = 1.0
    initial_scale: Annotated[
        float,
        Field(ge=0, le=100, allow_inf_nan=False, description="Factor of the initial vectors"),
    ] = 1.0
    updates: Annotated[int, Field(ge=1, le=20_000, description="Steps of gradient descent")] = 1000


def clamped_of(text: str) -> Clamped:
    """`b,c`: these vectors are the true ones; `none`. Raises ValueError for anything else."""
    names = [name.strip() for name in text.split(",") if name.strip() not in ("", NONE)]
    if unknown := [name for name in names if name not in VECTORS]:
        raise ValueError(f"{unknown[0]!r} is no vector; write some of a,b,c, or none")
    return frozenset(vector for vector in VECTORS if vector in names)


def name_of(clamped: Clamped) -> str:
    """The same as it is written: `b,c`, `none`."""
    return ",".join(sorted(clamped)) or NONE


class ToyQuery(ToySettings):
    """Settings, and which trainings are shown beside each other."""

    clamp: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            max_length=8,
            description="Vectors that are kept at the true ones, `b,c` or `none`; again for each "
            "training",
        ),
    ] = (NONE, "c", "b,c")

    @field_validator("clamp")
    @classmethod
    def _known(cls, clamp: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name_of(clamped_of(one)) for one in clamp))

    @property
    def clampings(self) -> tuple[Clamped, ...]:
        return tuple(clamped_of(one) for one in self.clamp)

    @property
    def settings(self) -> ToySettings:
        return ToySettings(**self.model_dump(exclude={"clamp"}))


PRESETS: Mapping[str, tuple[Clamped, ...]] = {
    "fig5a": (frozenset(), frozenset({"c"}), frozenset({"b", "c"})),
    "fig9": (frozenset(), frozenset({"b", "c"})),
}
