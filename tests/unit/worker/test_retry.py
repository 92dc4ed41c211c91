"""Waiting for Postgres: until it answers, or until the process is to stop."""

import pytest
from sqlalchemy.exc import OperationalError

from worker.retry import retry_while_away


def test_what_fails_while_postgres_is_away_is_done_again():
    left = [OperationalError("COMMIT", {}, Exception("gone")), None]

    def act() -> str:
        error = left.pop(0)
        if error:
            raise error
        return "done"

    assert retry_while_away(act) == "done"


def test_a_stop_ends_the_waiting():
    def act() -> None:
        raise OperationalError("COMMIT", {}, Exception("gone"))

    with pytest.raises(OperationalError):
        retry_while_away(act, is_stopping=lambda: True)


def test_other_errors_are_not_waited_out():
    with pytest.raises(ZeroDivisionError):
        retry_while_away(lambda: 1 // 0)
