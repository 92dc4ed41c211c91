"""Scripts and styles of pages as text within one file, which asks for nothing else."""

import os
import re
from functools import lru_cache
from pathlib import Path

from app.assets import STATIC, present

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "([^"]+)";$', re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|const|class) (\w+)", re.MULTILINE)
PLOTLY = "vendor/plotly-cartesian.min.js"


def bundled(script: str) -> str:
    """A module with all that it imports, as one script: a file that was opened from a disk may
    import nothing. Each module stays a scope of its own."""
    return _bundle(script, present().version)


@lru_cache(maxsize=8)
def _bundle(script: str, version: str) -> str:
    parts = [_module(one) for one in _imported_first(script)]
    return _harmless("const modules = {};\n" + "\n".join(parts))


@lru_cache(maxsize=1)
def plotly() -> str:
    """The library that draws charts."""
    return _harmless((STATIC / PLOTLY).read_text())


def styles(*files: str) -> str:
    """Style sheets, one after the other."""
    return "\n".join((STATIC / file).read_text() for file in files).replace("</", "<\\/")


def _imported_first(script: str) -> list[str]:
    """The script and all that it needs, each after what it imports."""
    found = [one for needed in _needs(script) for one in _imported_first(needed)]
    return list(dict.fromkeys([*found, script]))


def _needs(script: str) -> list[str]:
    text = (STATIC / script).read_text()
    return [_path(script, name) for _, name in _IMPORT.findall(text)]


def _module(script: str) -> str:
    """The module as a function's body; what it exports is found under its path."""
    text = (STATIC / script).read_text()
    body = _IMPORT.sub(lambda one: f'const {one[1]} = modules["{_path(script, one[2])}"];', text)
    names = ", ".join(_EXPORTED.findall(text))
    plain = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    return f'modules["{script}"] = (() => {{\n{plain}\nreturn {{ {names} }};\n}})();'


def _path(script: str, name: str) -> str:
    return os.path.normpath(Path(script).parent / name)


def _harmless(script: str) -> str:
    """What would end the element that it stands in, within a text or an expression of it."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
