"""The parts of the reference that the program is asked for while the pages are made."""

from collections.abc import Callable, Mapping

from reference.api import operations
from reference.clamps import clamp_settings
from reference.commands import commands
from reference.measures import measures, words
from reference.options import options
from reference.settings import settings

PARTS: Mapping[str, Callable[[], str]] = {
    "api": operations,
    "clamps": clamp_settings,
    "commands": commands,
    "measures": measures,
    "options": options,
    "settings": settings,
    "words": words,
}
