"""What is measured and what words mean: the texts of the program's own guide."""

from collections.abc import Iterator

from app.schemas.series import Citation, Explanation
from app.services.help.guide import SECTIONS, WORDS
from reference.markdown import plain, table


def measures() -> str:
    """Every measure: what it says, its formula, range, unit and source."""
    return "\n\n".join(
        text
        for section in SECTIONS
        for text in (f"## {section.title}", plain(section.lead), *map(_entry, section.entries))
    )


def words() -> str:
    """A table of the words of the pages."""
    return table(("word", "meaning"), ((plain(one.word), plain(one.meaning)) for one in WORDS))


def _entry(entry: Explanation) -> str:
    return "\n\n".join(_lines(entry))


def _lines(entry: Explanation) -> Iterator[str]:
    yield f"### {plain(entry.title)}"
    yield plain(entry.says)
    facts = {"Formula": entry.formula, "Range": entry.range, "Unit": entry.unit}
    sources = "; ".join(map(_cited, entry.sources))
    told = [f"- **{name}:** {plain(text)}" for name, text in facts.items()]
    yield "\n".join([f"- **Series:** `{entry.id}`", *told, f"- **From:** {sources}"])


def _cited(source: Citation) -> str:
    if source.url:
        return f"[{plain(source.text)}]({source.url})"
    return f"`{source.text}`" if "/" in source.text else plain(source.text)
