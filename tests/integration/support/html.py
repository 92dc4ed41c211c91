"""Reading pages in tests: elements with their attributes and text, in document order."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "link", "meta", "br", "path", "circle", "rect"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    words: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class Document(HTMLParser):
    """`Document(answer.text)`; look elements up with `all` and `one`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.words.append(data)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Elements with these attributes; `_` in a name stands for `-`, `class_` for `class`."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if (not tag or element.tag == tag) and wanted.items() <= element.attributes.items()
        ]

    def one(self, tag: str = "", **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements match {tag} {attributes}"
        return found[0]


def get(client, path: str, **options) -> Document:
    """A page that is there."""
    answer = client.get(path, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Document(answer.text)


def page_data(document: Document) -> dict:
    """What a run's page hands to its script."""
    return json.loads(document.one("script", id="page-data").text)
