"""A board as it is edited: one form holds all of it, and every button sends the whole.

So nothing that was typed is lost by moving a block, nor by a board that was changed meanwhile.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db.models import Board
from app.errors import AppError, Conflict, Invalid
from app.schemas.boards import BoardPatch, new_block_id
from app.services.boards import lifecycle
from app.services.boards.addresses import figure_at

Fields = Sequence[tuple[str, str]]
Raw = dict[str, Any]  # a block that nobody has checked yet


@dataclass(frozen=True)
class BoardForm:
    """What was typed, and which button was pressed."""

    version: str
    title: str
    blocks: Sequence[Raw]
    act: str = "save"
    on: str = ""  # the id of the block that the button is of
    address: str = ""
    figure: str = ""
    removed: str = ""  # the block that was removed last, as JSON, and where it was
    removed_at: str = ""


@dataclass(frozen=True)
class Edited:
    """What became of it. `faults`: sentences by the field that they are of."""

    form: BoardForm
    faults: Mapping[str, str] = field(default_factory=dict)
    is_late: bool = False  # somebody else has changed the board since
    focus: str = ""  # the id of the element to go on at

    @property
    def is_kept(self) -> bool:
        return not self.faults and not self.is_late


def form_of(board: Board) -> BoardForm:
    """The form before anything is typed."""
    return BoardForm(str(board.version), board.title, [dict(one) for one in board.blocks])


def read_board_form(fields: Fields) -> BoardForm:
    """What a browser sent. Raises `Invalid` for blocks that no page of ours wrote."""
    typed = dict(fields)
    act, _, on = typed.get("act", "save").partition(":")
    return BoardForm(
        version=typed.get("version", ""),
        title=typed.get("title", ""),
        blocks=[_typed_block(one, typed) for name, one in fields if name == "block"],
        act=act,
        on=on,
        address=typed.get("address", "").strip(),
        figure=typed.get("figure", ""),
        removed=typed.get("removed", ""),
        removed_at=typed.get("removed_at", ""),
    )


def _typed_block(written: str, typed: Mapping[str, str]) -> Raw:
    block = _block_in(written)
    names = ("markdown",) if block.get("kind") == "text" else ("caption", "height")
    said = {name: typed.get(f"{name}-{block.get('id')}") for name in names}
    if said.get("markdown") is not None:
        said["markdown"] = str(said["markdown"]).replace("\r\n", "\n")  # as forms send lines
    return block | {name: value for name, value in said.items() if value is not None}


def _block_in(written: str) -> Raw:
    with suppress(ValueError, RecursionError):
        if isinstance(block := json.loads(written), dict):
            return block
    raise Invalid("A block of this form is no JSON object; reload the page.", loc="form/block")


def submit(session: Session, board: Board, form: BoardForm) -> Edited:
    """Does what the button says, and keeps the board, or says why not."""
    try:
        changed, focus = _acted(form)
    except Invalid as error:
        return Edited(form, {"address": error.detail}, focus="address")
    try:
        patch = BoardPatch.model_validate(
            {"version": changed.version, "title": changed.title, "blocks": changed.blocks}
        )
        kept = lifecycle.change(session, board, patch)
    except ValidationError as error:
        return Edited(form, _faults(error, changed.blocks))
    except Conflict:
        return Edited(form, is_late=True)
    except AppError as error:
        return Edited(form, {"board": error.detail})
    removed = {"removed": changed.removed, "removed_at": changed.removed_at}
    return Edited(BoardForm(**vars(form_of(kept)) | removed), focus=focus)


def _acted(form: BoardForm) -> tuple[BoardForm, str]:
    """The form after the button, and where to go on; without what was removed before."""
    blocks = list(form.blocks)
    at = next((n for n, one in enumerate(blocks) if one.get("id") == form.on), len(blocks) - 1)
    focus, removed, removed_at = "", "", ""
    if form.act in ("up", "down"):
        to = at + (1 if form.act == "down" else -1)
        blocks.insert(min(max(to, 0), len(blocks)), blocks.pop(at))
        focus = f"{form.act}-{form.on}"
    elif form.act == "remove" and form.on:
        removed, removed_at = json.dumps(blocks.pop(at)), str(at)
        focus = "put-back"
    elif form.act == "restore":
        back = _block_in(form.removed)
        blocks.insert(_number(form.removed_at), back)
        focus = f"remove-{back.get('id')}"
    elif form.act in ("text", "figure"):
        new = _new_block(form)
        blocks.insert(at + 1, new)
        focus = f"{'markdown' if form.act == 'text' else 'caption'}-{new['id']}"
    changed = {"blocks": blocks, "removed": removed, "removed_at": removed_at}
    return BoardForm(**vars(form) | changed), focus


def _new_block(form: BoardForm) -> Raw:
    if form.act == "text":
        return {"id": new_block_id(), "kind": "text", "markdown": ""}
    return figure_at(form.address, form.figure).model_dump(mode="json")


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 4 else 0


def _faults(error: ValidationError, blocks: Sequence[Raw]) -> dict[str, str]:
    """By the field where each was typed; of what nobody types, of the whole board."""
    found: dict[str, str] = {}
    for one in error.errors():
        first, *rest = [*one["loc"], ""]
        name = str(first)
        if name == "blocks" and len(rest) > 2 and isinstance(rest[0], int):
            name = f"{rest[2]}-{blocks[rest[0]].get('id')}"
        known = name == "title" or name.startswith(("markdown-", "caption-", "height-"))
        found.setdefault(name if known else "board", str(one["msg"]).removeprefix("Value error, "))
    return found
