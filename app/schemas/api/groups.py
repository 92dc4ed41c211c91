"""The runs of a list in groups."""

from pydantic import BaseModel, Field

from app.schemas.api.series import example
from app.schemas.text import Shown


class GroupNumbers(BaseModel):
    """A number of the runs of a group together; null: none of them has it."""

    mean: float | None
    least: float | None
    most: float | None


class RunGroupRead(BaseModel):
    """Some runs that have something in common."""

    value: Shown | None = Field(description="What they have in common, a study's id; null: nothing")
    title: Shown = Field(description="The same for people, a study's name")
    within: Shown = Field(description="Pass it with the same `group` to `/runs` for its runs")
    runs: int
    going: int = Field(description="How many of them have not ended")
    numbers: dict[str, GroupNumbers] = Field(description="By the names of the columns asked for")


class RunGroups(BaseModel):
    """All groups, those of runs without the thing last."""

    model_config = example(
        group="state",
        groups=[
            {
                "value": "finished",
                "title": "finished",
                "within": "finished",
                "runs": 8,
                "going": 0,
                "numbers": {"train_loss": {"mean": 0.21, "least": 0.18, "most": 0.25}},
            }
        ],
        left=0,
    )

    group: Shown
    groups: list[RunGroupRead]
    left: int = Field(description="How many groups there are beyond these")
