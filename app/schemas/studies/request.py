"""Studies: a base config and what varies, from which `app.schemas.studies.expansion` makes runs."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from app.schemas.api.runs import Name, Notes, Priority, Tag
from app.schemas.config import RunConfig
from app.schemas.text import Body, Text

PROGRAM = "program"
RUN = "run"  # what the axis is called that explicit runs are
MOST_AXES = 8
MOST_VALUES = 1000


class StudyAxis(BaseModel):
    """One thing that varies: a field of the config, with the values that it takes.

    `program` takes lists of clamps, or presets: `{"preset": "match"}` is the clamps of that preset.
    `program.0.strength` is a setting of the first clamp.
    """

    model_config = ConfigDict(extra="forbid")

    field: Text = Field(
        description="`SECTION.OPTION` of the config, `program`, or `program.CLAMP.SETTING`",
        examples=["seeds.initial", "program"],
    )
    values: list[JsonValue] = Field(min_length=1, max_length=MOST_VALUES)
    labels: list[Name] | None = Field(None, description="What to call each value")


class StudyRun(BaseModel):
    """A run of its own: the base config with changes."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    changes: dict[str, JsonValue] = Field(
        default={},
        description="The part of the config that differs: whole options, or a whole `program`",
        examples=[{"task": {"labels": 10}, "program": {"preset": "one-head"}}],
    )


class StudyRequest(Body):
    """A study to launch: every combination of the axes' values, for each of `runs` if there are
    any, applied to `base`. Equal configs are launched once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Clamps by seeds",
                    "base": {"training": {"sequences": 600_000}},
                    "axes": [
                        {
                            "field": "program",
                            "values": [{"preset": "one-head"}, {"preset": "match"}],
                        },
                        {"field": "seeds.initial", "values": [5, 6, 7]},
                    ],
                }
            ]
        },
    )

    name: Name = ""
    tags: list[Tag] = Field(default=[], max_length=20, description="Its new runs get them too")
    notes: Notes = ""
    priority: Priority = Field(0, description="Of its new runs")
    base: RunConfig = RunConfig()
    axes: list[StudyAxis] = Field(default=[], max_length=MOST_AXES)
    combine: Literal["grid", "zip"] = Field(
        "grid", description="Every value with every other, or first with first, second with second"
    )
    runs: list[StudyRun] = Field(default=[], max_length=MOST_VALUES)
    reuse_finished: bool = Field(
        True, description="A finished run of equal config joins the study instead of a new one"
    )

    @model_validator(mode="after")
    def _number_nameless_runs(self) -> Self:
        for index, run in enumerate(self.runs):
            run.name = run.name or f"run {index + 1}"
        return self


class StudyPatch(Body):
    """What can be changed about a study at any time; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Five seeds, unclamped"}]}
    )

    name: Annotated[Name, StringConstraints(min_length=1)] | None = None
    tags: Annotated[list[Tag], Field(max_length=20)] | None = None
    notes: Notes | None = None
