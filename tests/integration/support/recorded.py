"""What the database holds of runs that a real worker has trained."""

from collections.abc import Callable

from sqlalchemy import Engine, Row, text


def row(engine: Engine, run_id: str) -> Row:
    """All that is known of a run."""
    with engine.connect() as connection:
        query = text("SELECT * FROM run WHERE id = :id")
        return connection.execute(query, {"id": run_id}).one()


def events(engine: Engine, run_id: str) -> list[tuple[str, str]]:
    """The kind and message of all that happened to it, in order."""
    query = text("SELECT kind, message FROM run_event WHERE run_id = :id ORDER BY id")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"id": run_id})]


def has_resume_point(engine: Engine, run_id: str, *, after: int = 0) -> Callable[[], bool]:
    """Whether there is one past a place, with something measured past it in turn."""
    query = text(
        "SELECT 1 FROM resume_point p JOIN measurement m USING (run_id)"
        " WHERE run_id = :id AND p.sequences > :after AND m.sequences > p.sequences LIMIT 1"
    )

    def look() -> bool:
        with engine.connect() as connection:
            found = connection.execute(query, {"id": run_id, "after": after})
            return found.first() is not None

    return look


def state(engine: Engine, run_id: str) -> str:
    with engine.connect() as connection:
        query = text("SELECT state FROM run WHERE id = :id")
        return str(connection.execute(query, {"id": run_id}).scalar_one())


def places(engine: Engine, run_id: str, table: str = "measurement") -> list[int]:
    """Where a run has rows, in order."""
    query = text(f"SELECT sequences FROM {table} WHERE run_id = :id ORDER BY sequences")
    with engine.connect() as connection:
        return list(connection.execute(query, {"id": run_id}).scalars())


def numbers(engine: Engine, run_id: str) -> list[tuple[object, ...]]:
    """All that a run measured, but for when."""
    query = text(
        "SELECT m.sequences, loss, accuracy, in_context_accuracy, correct_probability,"
        " context_probability, induction_strength, previous_token_strength,"
        " f.patterns, f.composition"
        " FROM measurement m LEFT JOIN frame f USING (run_id, sequences)"
        " WHERE run_id = :id ORDER BY m.sequences"
    )
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"id": run_id})]
