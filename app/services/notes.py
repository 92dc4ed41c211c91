"""Notes as pages show them: Markdown, of which nothing can run and nothing is fetched.

HTML in it is text, addresses that are scripts are no links, pictures are links to them: whoever
writes a note for others to read is trusted with no more.
"""

from functools import lru_cache

from markdown_it import MarkdownIt
from markupsafe import Markup

_DOWN = 2  # levels: the page's own headings come before those of a note


@lru_cache(maxsize=256)
def notes_html(notes: str, down: int = _DOWN) -> Markup:
    """The notes as HTML; `down`: by how many levels their headings are moved."""
    tokens = _READER.parse(notes)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + down)}"
    # Safe by the renderer: what is text in Markdown is escaped, also what looks like HTML.
    return Markup(_READER.renderer.render(tokens, _READER.options, {}))


# "js-default" takes no HTML and leaves addresses with a script in them as text.
_READER = MarkdownIt("js-default").disable("image")
