"""How to train a run once more: what it was trained with, and the request and command for it."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.schemas.api.runs import RunRead
from app.schemas.config import RunConfig


@dataclass(frozen=True)
class Repeat:
    """What makes the same numbers again, to be shown beside the config."""

    facts: Sequence[tuple[str, str]]
    path: str  # of the request, below the server's address
    body: str  # quoted for a shell
    is_offline: bool  # whether `optoscope train` can do it, too
    note: str


def repeat_of(run: RunRead, config: RunConfig) -> Repeat:
    """The way to repeat a run; a fork is repeated from its parent's checkpoint."""
    parent = run.lineage.parent
    if parent is None:
        body: dict[str, Any] = {"name": run.name, "config": config.model_dump(mode="json")}
        note = "On the same machine, with the same versions, the numbers are the same bit for bit."
        needs_others = any("checkpoint" in clamp for clamp in body["config"]["program"])
        return Repeat(_facts(run, config), "api/v1/runs", _quoted(body), not needs_others, note)
    if parent.id is None:
        note = "The run that it was forked from was deleted: it cannot be repeated from there."
        return Repeat(_facts(run, config), "", "", False, note)
    note = f"Forked from {parent.name}: what comes before the fork is shared with it."
    body = _fork_body(run, config, parent.sequences)
    path = f"api/v1/runs/{parent.id}/fork"
    return Repeat(_facts(run, config), path, _quoted(body), False, note)


def _fork_body(run: RunRead, config: RunConfig, sequences: int) -> dict[str, Any]:
    parent = run.lineage.parent
    assert parent is not None
    whole = config.model_dump(mode="json")
    return {
        "sequences": sequences,
        "optimiser": str(parent.optimiser),
        "program": whole["program"],
        "learning_rate": config.training.learning_rate,
        "data_seed": config.seeds.data,
        "until_sequences": config.training.sequences,
        "name": run.name,
    }


def _facts(run: RunRead, config: RunConfig) -> list[tuple[str, str]]:
    seeds = ", ".join(f"{name} {seed}" for name, seed in config.seeds.model_dump().items())
    versions = ", ".join(f"{name} {number}" for name, number in (run.versions or {}).items())
    return [
        ("config hash", run.config_hash),
        ("seeds", seeds),
        ("versions", versions or "known once it trains"),
        ("device", run.device or "known once it trains"),
    ]


def _quoted(body: dict[str, Any]) -> str:
    return shlex.quote(json.dumps(body))
