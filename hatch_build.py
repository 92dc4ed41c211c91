"""Puts the front-end libraries into source distribution and wheel: users need no Node."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

from app.stack.assets import ensure_assets


class FrontEndHook(BuildHookInterface[Any]):
    """Fetches them where they are missing: in a checkout, and not in a source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is `editable` for a checkout in use: `optoscope up` fetches them there."""
        if version != "editable":
            ensure_assets()
