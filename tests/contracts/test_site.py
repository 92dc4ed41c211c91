"""The documentation as a site: every page is read, every link leads somewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def built(pages: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    """All but writing the pages down, which takes as long again."""
    strictly = ("-q", "-E", "-n", "-W", "--keep-going", "-b", "dummy", "-c", ROOT / "docs/site")
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *strictly, pages, out],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    done = built(ROOT / "docs", tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_links_that_lead_nowhere_are_told(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(
        "# Page\n\n[a](gone.md) [b](#gone) [c](../app/gone.py) [d](#page) ![e](gone.png)\n"
    )

    done = built(pages, tmp_path / "out")

    assert done.returncode == 1
    assert done.stderr.count("WARNING") == 4, done.stderr
