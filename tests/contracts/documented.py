"""The commands that the documents tell a reader to type."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
BLOCK = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OTHER = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
FOUND_IN_PROSE = ("optoscope", "make", "python", "docker", "kubectl", "sbatch", "sh", "pip", "uvx")
ENDS = {"|", "||", "&", "&&", ";"}
SET = re.compile(r"[A-Z_]+=.*", re.DOTALL)


@dataclass(frozen=True)
class Typed:
    """A command, without variables before it and redirections behind."""

    document: str
    words: tuple[str, ...]
    in_prose: bool

    def __str__(self) -> str:
        return f"{self.document}: {' '.join(self.words)}"


def commands() -> Iterator[Typed]:
    """Those of blocks of shell, and those that stand as code in prose or in a table."""
    for path in DOCUMENTS:
        text, name = path.read_text(), path.relative_to(ROOT).as_posix()
        for block in BLOCK.findall(text):
            for words in typed(block):
                yield Typed(name, words, in_prose=False)
        for code in CODE.findall(OTHER.sub("", text)):
            for words in typed(code):
                if words[0] in FOUND_IN_PROSE and len(words) > 1:
                    yield Typed(name, words, in_prose=True)


def typed(text: str) -> Iterator[tuple[str, ...]]:
    """The commands of a piece of shell, one by one."""
    for line in _lines(re.sub(r"(?m)^\$ ", "", text)):
        words: list[str] = []
        for word in [*line, ";"]:
            if word in ENDS:
                yield from _cleaned(words)
                words = []
            else:
                words.append(word)


def _lines(text: str) -> Iterator[Sequence[str]]:
    """Its lines as words; one may go on in the next, by a backslash or an open quote."""
    begun = ""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        begun += f"{line}\n"
        reader = shlex.shlex(begun, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        with suppress(ValueError):  # a quote that is still open; in prose an apostrophe
            yield list(reader)
            begun = ""


def _cleaned(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    kept, rest = [], iter(words)
    for word in rest:
        if set(word) <= set("<>"):
            next(rest, None)  # to or from which file
        elif kept or not SET.fullmatch(word):
            kept.append(word)
    if kept:
        yield tuple(kept)
