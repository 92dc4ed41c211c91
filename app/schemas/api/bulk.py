"""One action on many runs, and what became of each."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.schemas.api.limits import MOST_RUNS
from app.schemas.api.runs import Colour, Tag
from app.schemas.text import SOUND, Body


class BulkAction(StrEnum):
    """What can be done to many runs."""

    TAG = "tag"
    UNTAG = "untag"
    COLOUR = "colour"
    PIN = "pin"
    UNPIN = "unpin"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    CANCEL = "cancel"
    DELETE = "delete"
    RESTORE = "restore"  # deleted ones
    PURGE = "purge"  # delete for good, at once, whether they are deleted or not


class BulkAct(Body):
    """An action on many runs. Asked for again, it changes nothing more."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"action": "tag", "tags": ["keep"]}]}
    )

    action: BulkAction
    tags: list[Tag] = Field(default=[], max_length=20, description="For `tag` and `untag`")
    colour: Colour | None = Field(None, description="For `colour`: `#RRGGBB` or `auto`")

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.action in (BulkAction.TAG, BulkAction.UNTAG) and not self.tags:
            raise ValueError(f"say which tags to {self.action}: `tags` is empty")
        if self.action is BulkAction.COLOUR and self.colour is None:
            raise ValueError("say which colour: `colour` is missing")
        return self


class BulkRequest(BulkAct):
    """An action on these runs."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"runs": ["8kq2m4x7vd", "0c3n8w5r1t"], "action": "tag", "tags": ["keep"]}]
        },
    )

    runs: list[Annotated[str, StringConstraints(max_length=100), SOUND]] = Field(
        min_length=1, max_length=MOST_RUNS, description="Ids"
    )


class BulkItem(BaseModel):
    """What became of one run."""

    id: str
    result: Literal["changed", "unchanged", "refused"]
    detail: str = Field(description="Why it was refused or is unchanged; empty if it was changed")


class BulkResult(BaseModel):
    """What became of every run, in the order of the request."""

    changed: int
    unchanged: int
    refused: int
    results: list[BulkItem]
    deleted: list[str] = Field(
        default=[], description="Ids of those that `delete` has just deleted; `restore` undoes it"
    )


class RunCount(BaseModel):
    """How many runs match."""

    count: int
    ended: int = Field(description="Those of them that have: the others cannot be deleted")
