"""The parts of the reference that the program is asked for while the pages are made."""

from importlib import import_module

_PARTS = {  # each loads only what it needs
    "api": "operations",
    "clamps": "clamp_settings",
    "commands": "commands",
    "measures": "measures",
    "options": "options",
    "query": "query_fields",
    "settings": "settings",
    "words": "words",
}


def part(name: str) -> str:
    """A part as Markdown. Raises `KeyError` for one that there is not."""
    function = _PARTS[name]
    module = import_module(f"reference.{'measures' if name == 'words' else name}")
    return str(getattr(module, function)())
