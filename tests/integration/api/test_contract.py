"""The OpenAPI document holds: whatever is sent, the answers are those that it names.

A few cases of every operation here, always the same ones; `make fuzz` sends hundreds.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from app.config import Settings
from app.main import create_app
from app.schemas.state import RunState
from tests.integration.support.rows import moved

CASES = int(os.environ.get("OPTOSCOPE_FUZZ_CASES", "4"))
IS_THOROUGH = CASES > 100  # then the edges of every schema are tried, too: several times as many
RUN = "8kq2m4x7vd"  # the example of the document, so that it is asked for often
# 422 is among the answers to what the schema allows: that two numbers are in order, or that a word
# is a cursor, no schema can say.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]

schema = schemathesis.openapi.from_dict(
    create_app(Settings(database_url="postgresql://none", redis_url="redis://none")).openapi(),
    config=SchemathesisConfig.from_dict(
        {
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
            "phases": {"coverage": {"enabled": IS_THOROUGH}},
        }
    ),
)


@pytest.fixture
def ended(request, monkeypatch, engine, outbox):
    """A run under the id of the document's examples; its stream ends."""
    with monkeypatch.context() as patch:
        patch.setattr("app.services.runs.creation.new_id", lambda: RUN)
        assert request.getfixturevalue("trained") == RUN
    moved(engine, outbox, RUN, RunState.FINISHED)


@pytest.mark.usefixtures("ended")
@schema.parametrize()
@settings(
    max_examples=CASES,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(server, case):
    case.call_and_validate(base_url=server.url, timeout=20)
