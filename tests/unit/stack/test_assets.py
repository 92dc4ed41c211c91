"""Front-end libraries: fetched whole, by their hash, from the registry that is named."""

import pytest

from app.stack import assets
from app.stack.assets import WANTED, ensure_assets, files_of
from app.stack.trouble import StackError


def test_what_is_not_the_locked_file_is_refused():
    with pytest.raises(StackError, match=r"is not what package-lock\.json has the hash of"):
        files_of("htmx.org", WANTED["htmx.org"], get=lambda url: b"something else")


def test_a_registry_that_cannot_be_reached_is_told_with_the_way_to_name_another(monkeypatch):
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        raise OSError("no route to host")

    monkeypatch.setenv("npm_config_registry", "https://lab/npm/")
    with pytest.raises(StackError, match=r"no route to host.*npm_config_registry"):
        files_of("htmx.org", WANTED["htmx.org"], get=get)
    assert asked[0].startswith("https://lab/npm/htmx.org/-/htmx.org-")


def test_a_fetch_that_fails_half_way_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "htmx.min.js").write_text("older")

    def half(package: str, files: object) -> dict[str, bytes]:
        if package != "htmx.org":
            raise StackError("the line was cut")
        return {"htmx.min.js": b"newer"}

    monkeypatch.setattr(assets, "files_of", half)
    with pytest.raises(StackError):
        ensure_assets(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["htmx.min.js"]
    assert (tmp_path / "htmx.min.js").read_text() == "older"
