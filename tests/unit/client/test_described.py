"""docs/client.md names what there is, and all of it."""

import re
from pathlib import Path

import pytest

from optoscope.analyses import AnalysisHandle
from optoscope.client import Client
from optoscope.paper import PaperHandle
from optoscope.runs import RunHandle
from optoscope.studies import StudyHandle

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/client.md").read_text()
# What the page and the README call them; attributes that only their objects have.
KINDS = {
    "lab": Client,
    "run": RunHandle,
    "study": StudyHandle,
    "analysis": AnalysisHandle,
    "figure": PaperHandle,
}
OF_OBJECTS = {"facts"}
NO_ATTRIBUTES = {"example", "html", "json", "zip"}  # ends of addresses and of files
# Said once for all kinds, or of no use to a reader.
ELSEWHERE = {"id", "name", "url", "refresh", "close", "every", "ask", "state", "delete"}
BLOCK, CODE = re.compile(r"```\w+\n(.*?)```", re.DOTALL), re.compile(r"`([^`]+)`")
SAID = {*re.findall(r"\w+", " ".join([*BLOCK.findall(PAGE), *CODE.findall(BLOCK.sub("", PAGE))]))}


@pytest.mark.parametrize("page", ["docs/client.md", "README.md", "docs/tutorial.ipynb"])
def test_everything_that_is_named_is_there(page):
    text = (ROOT / page).read_text()
    named = re.findall(r"\b(lab|run|study|analysis)\.([a-z]\w*)", text)
    known = OF_OBJECTS | NO_ATTRIBUTES

    assert named
    unknown = [one for one in named if one[1] not in known and one[1] not in dir(KINDS[one[0]])]
    assert unknown == []


@pytest.mark.parametrize("name", KINDS)
def test_every_method_is_described(name):
    public = {one for one in vars(KINDS[name]) if not one.startswith("_")}

    assert public - ELSEWHERE - SAID == set()
