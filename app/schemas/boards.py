"""Boards: a title and blocks in order, each a text or a figure as a page's address has it."""

import secrets
from collections import Counter
from string import ascii_lowercase, digits
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.schemas.text import Body

MOST_BLOCKS, LONGEST_TEXT, LONGEST_QUERY = 100, 20_000, 8_000
LEAST_HEIGHT, USUAL_HEIGHT, MOST_HEIGHT = 160, 320, 1_200
_LETTERS = ascii_lowercase + digits


def new_block_id() -> str:
    """An id that no other block of its board will have."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


BlockId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Query = Annotated[
    str, StringConstraints(max_length=LONGEST_QUERY), AfterValidator(lambda said: said.lstrip("?"))
]


class _Block(BaseModel):  # its texts are checked as part of the body that it comes in
    model_config = ConfigDict(extra="forbid")

    id: BlockId = Field(
        default_factory=new_block_id,
        description="Of the block within its board, for good; one is made if none is given",
    )


class TextBlock(_Block):
    """Text between figures."""

    kind: Literal["text"]
    # No field is called as a kind: where an error is, the one would be taken for the other.
    markdown: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)] = Field(
        description="HTML in it is text"
    )


class _FigureBlock(_Block):
    query: Query = Field(
        "", description="How it is shown: the query of the address of its page, such as `x=log`"
    )
    caption: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)] = ""
    height: int = Field(
        USUAL_HEIGHT, ge=LEAST_HEIGHT, le=MOST_HEIGHT, description="Of the chart, in pixels"
    )


class RunBlock(_FigureBlock):
    """A figure of a run."""

    kind: Literal["run"]
    run_id: str = Field(min_length=1, max_length=40)
    figure: str = Field("loss", max_length=40, description="As in `/runs/{run_id}/figures/{name}`")


class ComparisonBlock(_FigureBlock):
    """The curves of several runs; the query says of which."""

    kind: Literal["comparison"]


class StudyBlock(_FigureBlock):
    """The curves of a study."""

    kind: Literal["study"]
    study_id: str = Field(min_length=1, max_length=40)


FigureBlock = RunBlock | ComparisonBlock | StudyBlock
Block = Annotated[TextBlock | FigureBlock, Field(discriminator="kind")]


def _each_once(blocks: list[Block]) -> list[Block]:
    [(name, count)] = Counter(one.id for one in blocks).most_common(1) or [("", 1)]
    if count > 1:
        raise PydanticCustomError(
            "blocks",
            "{count} blocks have the id {name}; leave ids out, and they get their own",
            {"count": count, "name": repr(name)},
        )
    return blocks


Blocks = Annotated[list[Block], Field(max_length=MOST_BLOCKS), AfterValidator(_each_once)]
_EXAMPLE: dict[str, JsonValue] = {
    "title": "Why the second layer waits",
    "blocks": [
        {"kind": "text", "markdown": "Loss drops **after** the previous-token head has formed."},
        {"kind": "run", "run_id": "8kq2m4x7vd", "figure": "loss", "query": "x=log"},
        {"kind": "comparison", "query": "runs=8kq2m4x7vd,4n8wq0z3ke&align=midpoint"},
    ],
}


class BoardRequest(Body):
    """A board to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    title: Title
    blocks: Blocks = Field([], description="In order")


class BoardPatch(Body):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": 1, **_EXAMPLE}]}
    )

    version: int = Field(ge=1, description="Which version it was made from; a later one is kept")
    title: Title | None = None
    blocks: Blocks | None = Field(None, description="All of them, in order")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.title is None and self.blocks is None:
            raise PydanticCustomError("board", "Say what to change: a title, or blocks")
        return self
