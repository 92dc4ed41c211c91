"""How the worker's processes log: one line an event, to standard error."""

import logging


def log_to_stderr() -> None:
    """Sets logging up; called once by each process."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s",
    )
