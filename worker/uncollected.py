"""Loading many modules without a search for garbage among them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """What is loaded stays: going through it again and again was a fifth of loading torch."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
