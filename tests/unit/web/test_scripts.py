"""Scripts without a build step: what they import is there, and what they ask the page for, too.

Neither bundler nor type checker looks at them: a misspelt id would be found by whoever clicks.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.templating import WEB

SCRIPTS = WEB / "static" / "js"
TEMPLATES = WEB / "templates"
MOST_IN_A_FOLDER = 20

IMPORT = re.compile(r"""^(?:import|\} from)\b[^"\n]*"(\.[^"]+)\"""", re.MULTILINE)
SELECTOR = re.compile(
    r"""(?:querySelector(?:All)?|closest|matches|\$\$?)(?:\?\.)?\(\s*(["'`])(.*?)\1""", re.DOTALL
)
ASKED_BY_ID = re.compile(r"""(?:\$|getElementById)\(\s*(["`])(.*?)\1""")
HASH = re.compile(r"(?<![\w&])#((?:[\w-]|\$\{[^}]*\})+)")
BRACKET = re.compile(r"\[data-([\w-]+)")
DATASET = re.compile(r"\bdataset\??\.(\w+)\b(?!\s*=[^=])")
TAKEN_APART = re.compile(r"\{([\w\s,:]+)\}\s*=\s*[^;]*\.dataset\b")
MADE_DATA = re.compile(r"\bdataset\.(\w+)\s*=[^=]")
GIVEN_DATA = re.compile(r"Object\.assign\([\w.]+\.dataset, \{([\w\s,:.()\"]+)\}")
MADE_ID = re.compile(r"""(?:\.id\s*=\s*|\bid=\\?)(["'`])([\w-]+)\1""")
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
ID_ATTRIBUTE = re.compile(r"""\bid=(?:"([^"]*)"|'([^']*)')""")
DATA_ATTRIBUTE = re.compile(r"\bdata-([\w-]+)")


def scripts() -> list[Path]:
    return sorted(SCRIPTS.rglob("*.js"))


def name_of(script: Path) -> str:
    return script.relative_to(SCRIPTS).as_posix()


@cache
def code_of(script: Path) -> str:
    """Without comments, which may speak of anything."""
    text = re.sub(r"/\*.*?\*/", "", script.read_text(), flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)//.*$", r"\1", text)


def imports_of(script: Path) -> list[Path]:
    return [(script.parent / path).resolve() for path in IMPORT.findall(code_of(script))]


def hyphenated(name: str) -> str:
    """`stepKeys` -> `step-keys`, as `dataset` writes attributes."""
    return re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name)


def pattern_of(text: str) -> str:
    """What a script or a template fills in may be anything: `show-${key}` is `show-*`."""
    return JINJA.sub("*", re.sub(r"\$\{[^}]*\}", "*", text))


@cache
def page_text() -> str:
    return "\n".join(path.read_text() for path in sorted(TEMPLATES.rglob("*")) if path.is_file())


@cache
def ids() -> frozenset[str]:
    # Templates are read as they are: what fills an id in is a part of it, quotes included.
    filled = JINJA.sub("*", page_text())
    standing = {one or other for one, other in ID_ATTRIBUTE.findall(filled)}
    made = {name for script in scripts() for _, name in MADE_ID.findall(code_of(script))}
    return frozenset(standing | made) - {"*"}  # of macros: what calls them says it elsewhere


@cache
def attributes() -> frozenset[str]:
    made = {name for script in scripts() for name in made_attributes(script)}
    return frozenset({*DATA_ATTRIBUTE.findall(page_text()), *made})


def made_attributes(script: Path) -> Iterator[str]:
    code = code_of(script)
    yield from map(hyphenated, MADE_DATA.findall(code))
    for given in GIVEN_DATA.findall(code):
        yield from names_of(given)


def asked_ids(script: Path) -> Iterator[str]:
    code = code_of(script)
    for _, name in ASKED_BY_ID.findall(code):
        yield pattern_of(name)
    for _, selector in SELECTOR.findall(code):
        yield from map(pattern_of, HASH.findall(selector))


def asked_attributes(script: Path) -> Iterator[str]:
    code = code_of(script)
    yield from BRACKET.findall(code)
    yield from map(hyphenated, DATASET.findall(code))
    for names in TAKEN_APART.findall(code):
        yield from names_of(names)


def names_of(fields: str) -> Iterator[str]:
    """Of an object that is made or taken apart: `a, b: c` -> `a`, `b`."""
    return (hyphenated(field.split(":")[0].strip()) for field in fields.split(","))


def fits(asked: str, standing: str) -> bool:
    """Whether two names with gaps (`*`) can be one."""
    one, other = (re.escape(name).replace(r"\*", ".*") for name in (asked, standing))
    return bool(re.fullmatch(one, standing) or re.fullmatch(other, asked))


@pytest.mark.parametrize("script", scripts(), ids=name_of)
def test_what_a_script_imports_is_there(script: Path) -> None:
    assert [path for path in imports_of(script) if not path.is_file()] == []


def test_no_script_imports_itself_in_a_circle() -> None:
    def circle(script: Path, above: tuple[Path, ...]) -> str | None:
        if script in above:
            return " > ".join(name_of(one) for one in (*above[above.index(script) :], script))
        if script in settled:
            return None
        found = (circle(one, (*above, script)) for one in imports_of(script))
        first = next(filter(None, found), None)
        settled.add(script)
        return first

    settled: set[Path] = set()
    assert [circle(script, ()) for script in scripts() if circle(script, ())] == []


def test_no_folder_of_scripts_is_a_heap() -> None:
    counts = Counter(name_of(script.parent) for script in scripts())
    assert {name: count for name, count in counts.items() if count > MOST_IN_A_FOLDER} == {}


@pytest.mark.parametrize("script", scripts(), ids=name_of)
def test_ids_that_a_script_asks_for_stand_somewhere(script: Path) -> None:
    asked = {name for name in asked_ids(script) if name.strip("*-")}
    assert sorted(name for name in asked if not any(fits(name, one) for one in ids())) == []


@pytest.mark.parametrize("script", scripts(), ids=name_of)
def test_data_that_a_script_asks_for_stands_somewhere(script: Path) -> None:
    assert sorted(set(asked_attributes(script)) - attributes()) == []


def test_the_search_finds_what_scripts_ask_for() -> None:
    """A pattern that finds nothing would let everything pass."""
    found = {name for script in scripts() for name in asked_ids(script)}
    data = {name for script in scripts() for name in asked_attributes(script)}
    links = sum(len(imports_of(script)) for script in scripts())
    assert (len(found) > 100, len(data) > 25, links > 50) == (True, True, True)
