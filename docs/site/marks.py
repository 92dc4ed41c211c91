"""What is put into pages while they are read, where a comment asks for it.

`<!-- made: settings -->` is a part of the reference that the program itself is asked for, so that
it cannot say what was true once. `<!-- file: CHANGELOG.md -->` is a file of the repository's root,
`<!-- notebook: tutorial.ipynb -->` a notebook, `<!-- pages: adr/0* -->` lists pages for the menu.
"""

import json
import posixpath
import re
from pathlib import Path

from reference import part

MARK = re.compile(r"^<!-- (made|file|notebook|pages): (\S+) -->$", re.MULTILINE)
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)\s#]+)")
AT_THE_ROOT = {  # files there, and the pages that show them
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}


def fill(page: str, source: list[str], root: Path) -> None:
    """Replaces the marks of a page, and the links out of the folder of the pages, in place."""
    here = posixpath.dirname(f"docs/{page}")
    source[0] = _linked(source[0], here, here, root)
    source[0] = MARK.sub(lambda mark: _made(mark[1], mark[2], here, root), source[0])


def _made(kind: str, name: str, here: str, root: Path) -> str:
    if kind == "made":
        return part(name)
    if kind == "pages":
        return f"```{{toctree}}\n:hidden:\n:glob:\n\n{name}\n```"
    if kind == "notebook":
        return _linked(_notebook((root / here / name).read_text()), here, here, root)
    return _linked((root / name).read_text(), "", here, root)


def _linked(text: str, of: str, here: str, root: Path) -> str:
    """The links of a text that lies in the folder `of`, as its page in the folder `here` needs."""
    return LINK.sub(lambda link: _link(link[1], of, here, root), text)


def _link(target: str, of: str, here: str, root: Path) -> str:
    path = posixpath.normpath(posixpath.join(of, target))
    if path in AT_THE_ROOT:
        path = f"docs/{AT_THE_ROOT[path]}"
    # Whatever else lies outside is there to be downloaded; Sphinx says if it is not there.
    return posixpath.relpath(path, here)


def _notebook(text: str) -> str:
    """Its cells: prose as it is, code as code. What it answered is left to whoever runs it."""
    cells = ((cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"])
    return "\n\n".join(
        f"```python\n{source}\n```" if kind == "code" else source for kind, source in cells
    )
