"""Kinds of analyses: questions about the checkpoints of a run. Paper sections 4 and 6."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter

from app.schemas.clamps.kinds import Program
from app.schemas.numbers import Numbers, Place
from app.schemas.text import Body, Text

Head = Annotated[int, Field(ge=0, le=1000)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Preserved = Literal["nothing", "patterns", "values", "patterns_and_values"]
Act = Literal["none", "remove", "only", "add_back", "add_back_rest"]
ProgramSet = Literal["perfect_match", "sub_circuits", "ways_to_output", "previous_token_sets"]
MOST_PROGRAMS = 64


class Evenly(Numbers):
    """So many checkpoints, spread evenly over the training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evenly: Annotated[int, Field(ge=1, le=1000)]


Checkpoints = Literal["last", "all"] | Evenly | Annotated[tuple[Place, ...], Field(min_length=1)]


class _Analysis(Body):
    """What every kind asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Annotated[Text, Field(description="The id of the run", examples=["8kq2m4x7vd"])]
    checkpoints: Annotated[
        Checkpoints,
        Field(description='`"last"`, `"all"`, `{"evenly": 20}`, or their sequences, `[5024]`'),
    ] = "last"
    under_clamps: Annotated[
        bool,
        Field(description="Whether the run's own clamps, lit as at the end, are part of the model"),
    ] = True
    after_training: Annotated[
        bool,
        Field(description="Waits until a run that is not there yet has been trained to its end"),
    ] = False


class Exhaustive(_Analysis):
    """Loss, accuracy and all measures of heads over every sequence of the task (Fig. 3b)."""

    kind: Literal["exhaustive"] = "exhaustive"


class AblationGrid(_Analysis):
    """Heads of one layer removed, kept alone or added back (Figs. 4a, 12, 13, 14, Tables 1, 2)."""

    kind: Literal["ablation_grid"] = "ablation_grid"
    layer: Annotated[int | None, Field(ge=0, le=1000, description="From 0; null: the last")] = None
    acts: Annotated[
        tuple[Act, ...],
        Field(
            description="`none`: no ablation. `remove`: each head. `only`: all others. "
            "`add_back`: all but the first 1, 2 ... heads of `order`. `add_back_rest`: the same "
            "of `order` without its first"
        ),
    ] = ("none", "remove", "only")
    order: Annotated[
        tuple[Head, ...],
        Field(description="Heads as they are added back; empty: by induction strength at the end"),
    ] = ()
    sets: Annotated[
        tuple[Annotated[tuple[Head, ...], Field(min_length=1)], ...],
        Field(max_length=MOST_PROGRAMS, description="Further sets of heads, ablated together"),
    ] = ()
    preserve: Annotated[
        Preserved,
        Field(description="What of the layers after it stays as without the ablation"),
    ] = "nothing"


class Wiring(_Analysis):
    """Each head of layer 1 removed, or kept alone, while a head of layer 2 is kept alone: through
    keys and queries (values preserved), and through values (patterns preserved). Fig. 11."""

    kind: Literal["wiring"] = "wiring"
    earlier: Annotated[int, Field(ge=0, le=1000, description="Layer, from 0")] = 0
    later: Annotated[int, Field(ge=1, le=1000, description="Layer, from 0")] = 1


class Perfected(_Analysis):
    """The model under any programs: perfected parts, sub-circuits, ways to the output (Figs. 10,
    12, 16, Tables 1, 3)."""

    kind: Literal["perfected"] = "perfected"
    programs: Annotated[
        ProgramSet | Annotated[dict[Name, Program], Field(min_length=1, max_length=MOST_PROGRAMS)],
        Field(
            description="Clamps by a name of yours, or a set of them. `perfect_match`: each head "
            "of the last layer alone, with its attention on the right label (Fig. 16, Table 3). "
            "`sub_circuits`: the strongest previous-token head, or the match, as if perfect (Fig. "
            "10). `ways_to_output`: each layer's own way to the output removed, what later layers "
            "attend to and read preserved (Fig. 12). `previous_token_sets`: heads of layer 1 of "
            "previous-token strength 0.5 or more removed, or all others, with the patterns or the "
            "values of layer 2 preserved (Table 1)"
        ),
    ]


KINDS: tuple[type[_Analysis], ...] = (Exhaustive, AblationGrid, Wiring, Perfected)


def _kind_of(value: object) -> object:
    """Not pydantic's own look at `kind`: it refuses models whose fields are checked before."""
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


AnalysisRequest = Annotated[
    Annotated[Exhaustive, Tag("exhaustive")]
    | Annotated[AblationGrid, Tag("ablation_grid")]
    | Annotated[Wiring, Tag("wiring")]
    | Annotated[Perfected, Tag("perfected")],
    Discriminator(
        _kind_of,
        custom_error_type="analysis_kind",
        custom_error_message="kind must be one of exhaustive, ablation_grid, wiring, perfected",
    ),
]
REQUEST: TypeAdapter[AnalysisRequest] = TypeAdapter(AnalysisRequest)


def catalogue() -> list[dict[str, Any]]:
    """Every kind: its name, what it is, and its JSON Schema."""
    return [
        {
            "kind": kind.model_fields["kind"].default,
            "summary": " ".join((kind.__doc__ or "").split()),
            "schema": kind.model_json_schema(),
        }
        for kind in KINDS
    ]
