"""How Sphinx makes the documentation, `make docs`, of the Markdown in `docs` and at the root."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

SITE = Path(__file__).resolve().parent
ROOT = SITE.parents[1]
sys.path[:0] = [str(ROOT), str(SITE)]  # the program, whose reference it is; the modules beside this

project = "Optoscope"
version = release = version_of("optoscope")
html_title = f"Optoscope {version}"
copyright = "the authors of Optoscope. MIT licence"
language = "en"
smartquotes = False  # text is as it is written, two hyphens of an option above all
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
exclude_patterns = ["site", "**/.ipynb_checkpoints"]
nitpicky = True

myst_heading_anchors = 4  # so that links to headings are checked
myst_fence_as_directive = ["mermaid"]
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "../../web/static/img/icon.svg"
html_copy_source = False
html_show_sourcelink = False
pygments_style, pygments_dark_style = "friendly", "github-dark"
# The one thing that is loaded from elsewhere draws the diagram of the architecture; without it its
# text is shown.
mermaid_height = "auto"


def setup(app: Sphinx) -> None:
    """Parts of pages are made here: the reference from the program, some pages from the root."""
    from marks import fill  # found once the path above is set

    app.connect("source-read", lambda _, page, text: fill(page, text, ROOT))
