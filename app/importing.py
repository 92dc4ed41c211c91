"""`optoscope import`: a config of the published code as a run config, without any service."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.schemas.published.importer import Imported, Instead, import_published
from app.schemas.text import flaws, shown
from app.stack.trouble import StackError

Say = Callable[[str], None]


def import_config(given: argparse.Namespace, say: Say, note: Say) -> None:
    """Writes the run config with `say` or to a file; what was left out goes to `note`."""
    content = _read(given.config)
    try:
        imported = import_published(
            content,
            Instead(dataset=given.dataset, graft_in=given.graft_in, graft_out=given.graft_out),
        )
    except ValidationError as error:
        raise StackError(_refusal(given.config, error)) from None
    text = imported.config.model_dump_json(indent=2)
    if given.out is None:
        say(text)
    else:
        _write(given.out, f"{text}\n")
        note(f"{given.out} is the run config of {imported.name or given.config}.")
    _tell(imported, note)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise StackError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise StackError(f'{path} must hold options by name, as in {{"train_iters": 600000}}')
    for place, _, said in flaws(content):
        raise StackError(f"{path}: {'.'.join(map(str, place))}: {shown(said)}")
    return content


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise StackError(f"{path} cannot be written: {error.strerror or error}") from None


def _refusal(path: Path, error: ValidationError) -> str:
    lines = (
        f"  {'.'.join(map(str, one['loc']))}: {_message(one['msg'])}" for one in error.errors()
    )
    return "\n".join([f"{path} cannot be imported:", *lines])


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


def _tell(imported: Imported, note: Say) -> None:
    for one in imported.ignored:
        note(f"Ignored: {one.option}: {one.reason}.")
    for sentence in imported.differs:
        note(f"Differs: {sentence}")
