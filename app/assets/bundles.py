"""A page's scripts as one file, made when it is asked for: nothing is built.

A browser asks a server for six files at a time, and a page needs sixty modules. A bundle holds
modules with all that they import, each a scope of its own, in lines as they were written.
"""

import os
import re
from functools import lru_cache
from pathlib import Path

from app.assets.present import Present, content_of, present

FOLDER = "js/bundle"
PLOTLY = "vendor/plotly-cartesian.min.js"
# Plotly is one function, given to another that calls it.
_GIVEN, _IN_BRACKETS = ("this, () => {", "}));"), ("this, (() => {", "})));")
_IMPORT = re.compile(r'^import (?:(\{[^}]*\}|\* as \w+) from )?"(\.[^"]+)";$', re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|const|class) (\w+)", re.MULTILINE)


def bundle_path(*scripts: str) -> str:
    """Where the file lies that holds these, which says what it holds: of `js/run/page.js` and
    `js/common/site.js` it is `js/bundle/run.page+common.site.js`."""
    names = [one.removeprefix("js/").removesuffix(".js").replace("/", ".") for one in scripts]
    return f"{FOLDER}/{'+'.join(names)}.js"


def scripts_of(path: str, found: Present) -> tuple[str, ...]:
    """What a bundle holds, by its path; nothing if that is none, or of files that are not there."""
    folder, _, name = path.rpartition("/")
    if folder != FOLDER:
        return ()
    names = name.removesuffix(".js").split("+")
    scripts = tuple(f"js/{one.replace('.', '/')}.js" for one in names)
    # Each once: else an address could ask for one of them a thousand times.
    is_one = name.endswith(".js") and len(set(scripts)) == len(scripts)
    return scripts if is_one and all(one in found.stamps for one in scripts) else ()


def bundled(*scripts: str) -> str:
    """Modules with all that they import, as one script."""
    return _bundle(scripts, present().version)


def inlined(script: str) -> str:
    """The same within a page: a file that was opened from a disk may import nothing."""
    return _harmless(bundled(script))


@lru_cache(maxsize=1)
def plotly() -> str:
    """The library that draws charts, within a page."""
    return _harmless(sent(PLOTLY).decode())


def sent(path: str) -> bytes:
    """A file as browsers get it."""
    return _compiled_early(_text(path)).encode() if path == PLOTLY else content_of(path)


def _compiled_early(text: str) -> str:
    """Browsers compile a function that stands in brackets while its file arrives, beside all else;
    any other when it is called, which for this one took 60 to 90 ms in which nothing was drawn."""
    head, begins, body = text.partition(_GIVEN[0])
    body, ends, rest = body.rpartition(_GIVEN[1])
    if not (begins and ends) or rest.strip():
        return text
    return head + _IN_BRACKETS[0] + body + _IN_BRACKETS[1]


def styles(*files: str) -> str:
    """Style sheets, one after the other, within a page."""
    return "\n".join(map(_text, files)).replace("</", "<\\/")


@lru_cache(maxsize=64)
def _bundle(scripts: tuple[str, ...], version: str) -> str:
    return "const modules = {};\n" + "\n".join(map(_module, modules_of(scripts, version)))


@lru_cache(maxsize=256)
def modules_of(scripts: tuple[str, ...], version: str) -> tuple[str, ...]:
    """Scripts and all that they need in a version of the files, each after what it imports."""
    found: dict[str, None] = {}
    for script in scripts:
        needed = tuple(_path(script, name) for _, name in _IMPORT.findall(_text(script)))
        found |= dict.fromkeys([*modules_of(needed, version), script])
    return tuple(found)


def _module(script: str) -> str:
    """The module as a function's body; what it exports is found under its path."""
    text = _text(script)
    body = _IMPORT.sub(lambda one: _import(one[1], _path(script, one[2])), text)
    names = ", ".join(_EXPORTED.findall(text))
    plain = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    return f'modules["{script}"] = (() => {{\n{plain}\nreturn {{ {names} }};\n}})();'


def _import(what: str | None, script: str) -> str:
    """`import { a as b }`, `import * as a`, or of nothing, which only has it done before."""
    if not what:
        return ""
    name = re.sub(r"(\w+) as (\w+)", r"\1: \2", what.removeprefix("* as "))
    return f'const {name} = modules["{script}"];'


def _text(script: str) -> str:
    return content_of(script).decode()


def _path(script: str, name: str) -> str:
    return os.path.normpath(Path(script).parent / name)


def _harmless(script: str) -> str:
    """What would end the element that it stands in, within a text or an expression of it."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
