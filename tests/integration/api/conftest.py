"""A server that asks for a token, and those who come to it."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from app.config import Settings
from app.main import create_app
from tests.integration.support.door import TOKEN, bearer
from tests.integration.support.web_server import WebServer, serving


@pytest.fixture
def asking(settings) -> Settings:
    """Settings of a server that asks for a token."""
    return settings.model_copy(update={"token": SecretStr(TOKEN)})


@pytest.fixture
def locked(asking) -> Iterator[WebServer]:
    """A server that asks for a token."""
    with serving(create_app(asking)) as server:
        yield server


@pytest.fixture
def stranger(locked) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=locked.url, timeout=30) as client:
        yield client


@pytest.fixture
def admin(locked) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=locked.url, headers=bearer(TOKEN), timeout=30) as client:
        yield client
