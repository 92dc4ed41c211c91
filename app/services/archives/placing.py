"""Under which ids the runs and studies of an archive come to be here, and which are here already.

An id stays where it is free. One that is taken by the same thing - created at the same moment, to
the microsecond - is that thing: nothing of it is read. One that is taken by another is replaced by
an id that follows from it, so that a second import finds what the first has made.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.db.whole.archived import Known
from app.errors import Conflict
from app.services.runs.creation import ALPHABET, ID_LENGTH


@dataclass(frozen=True)
class Placed:
    """Where a thing of the archive is to be, or is."""

    was: str
    id: str
    is_new: bool


def substitute(was: str, created_at: datetime) -> str:
    """The id in place of one that is taken."""
    digest = hashlib.sha256(f"{was} {created_at.timestamp():.6f}".encode()).digest()
    number = int.from_bytes(digest, "big")
    letters = []
    for _ in range(ID_LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def place(was: str, created_at: datetime, known: Mapping[str, Known], what: str) -> Placed:
    """Raises `Conflict` for what is deleted here, and can be restored."""
    for wanted in (was, substitute(was, created_at)):
        found = known.get(wanted)
        if found is None:
            return Placed(was, wanted, is_new=True)
        if found.created_at == created_at:
            if found.is_deleted:
                raise Conflict(
                    f"{what} {wanted} of the archive is deleted here; restore it, or delete it for "
                    "good and import again."
                )
            return Placed(was, wanted, is_new=False)
    raise Conflict(f"{what} {was} of the archive has an id that is taken here.")
