"""A process that has loaded torch, from its first to its last word."""

import logging
import os
from collections.abc import Callable, Sequence
from typing import NoReturn

log = logging.getLogger("worker")


def run_and_exit(
    main: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None = None
) -> NoReturn:
    """All of it, and the end of the process."""
    code: object = 1
    try:
        code = main(arguments)
    except SystemExit as exit:
        code = exit.code
    except BaseException:
        log.exception("the process failed")
    logging.shutdown()
    # Taking torch down in good order takes a second, for nothing.
    os._exit(code if isinstance(code, int) else 1)
