"""The way to a server: past proxies that are for others, and through a door with a token."""

import pytest
from pydantic import SecretStr

from app.main import create_app
from optoscope import Client, OptoscopeError
from tests.integration.support.door import TOKEN
from tests.integration.support.web_server import serving


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with Client(server.url, token="") as lab:
        assert lab.datasets()


def test_a_server_that_asks_for_a_token_is_given_one(settings, monkeypatch, tmp_path):
    asking = settings.model_copy(update={"token": SecretStr(TOKEN)})
    for name in ("OPTOSCOPE_TOKEN", "OPTOSCOPE_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with serving(create_app(asking)) as server:
        with Client(server.url) as lab, pytest.raises(OptoscopeError, match="OPTOSCOPE_TOKEN"):
            lab.runs()
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        monkeypatch.setenv("OPTOSCOPE_TOKEN_FILE", str(tmp_path / "token"))
        with Client(server.url) as lab:
            assert lab.runs() == []
