"""A real Postgres and a real Valkey in a directory, for as long as a block lasts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.stack.child import Child
from app.stack.leftovers import end_leftovers
from app.stack.places import DataDir, open_data_dir
from app.stack.servers.postgres import postgres
from app.stack.servers.valkey import valkey


@dataclass(frozen=True)
class Servers:
    """Both servers, ready. Their URLs stay the same over `kill` and `restart`."""

    data: DataDir
    database_url: str
    redis_url: str
    postgres: Child
    valkey: Child


@contextmanager
def start_servers(data_dir: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Starts both servers in `data_dir` and stops them at the end (about a second in all).

    `durable=False` spares Postgres every fsync: for data that need not outlive the machine.
    """
    data = open_data_dir(data_dir)
    # Relies on nobody else using the directory: unlike `up`, this takes no lock.
    end_leftovers(data.records)
    with ExitStack() as stack:
        database_program, database_url = postgres(data, durable=durable)
        redis_program, redis_url = valkey(data)
        database, broker = Child(database_program, data), Child(redis_program, data)
        for child in (database, broker):
            # Before the start: what fails while starting may have left something.
            stack.callback(child.stop)
            child.start()
        for child in (database, broker):
            child.await_ready()
        yield Servers(data, database_url, redis_url, database, broker)
