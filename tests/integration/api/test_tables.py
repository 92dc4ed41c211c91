"""Tables for other programs: refused before their first byte if at all, and no formulas."""

import pytest

from app.schemas.state import RunState
from tests.integration.support.rows import change, moved, new_run

RUNS = "/api/v1/runs"


@pytest.fixture
def run_id(engine, outbox) -> str:
    return new_run(engine, outbox, name="Ours")


@pytest.mark.parametrize(
    "path",
    [
        f"{RUNS}.csv?clamp=AAA",
        f"{RUNS}.csv?sort=nothing",
        f"{RUNS}/RUN/measurements.csv?after=1e21",
        f"{RUNS}/RUN/measurements.csv?after=99999999999999999999999",
        f"{RUNS}/RUN/measurements.jsonl?after=99999999999999999999999",
        "/api/v1/measurements.csv?runs=RUN&from=99999999999999999999999",
    ],
)
def test_a_table_that_cannot_be_made_is_refused_before_its_first_byte(client, run_id, path):
    answer = client.get(path.replace("RUN", run_id))

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_text_of_a_table_is_no_formula_and_numbers_stay_numbers(client, engine, outbox):
    run_id = new_run(engine, outbox, name='=HYPERLINK("x")', tags=["@sum", "plain"])
    moved(engine, outbox, run_id, RunState.CANCELLED)
    change(engine, run_id, train_loss=-0.5, notes="-1")

    table = client.get(f"{RUNS}.csv", params={"columns": "tags,train_loss"}).text

    assert table.splitlines()[1] == f'{run_id},"\'=HYPERLINK(""x"")",\'@sum; plain,-0.5'
