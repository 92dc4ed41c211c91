"""The welcome: what this is, a run to watch that comes with it, and where to go from there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zipfile import ZipFile

from sqlalchemy.orm import Session

from app.assets.present import WEB
from app.db.runs import RunMention, newest_runs
from app.services.archives.container import MANIFEST
from app.services.archives.importing import Importer

EXAMPLE = WEB / "example" / "example.zip"  # made by `tests.example_run` of a real run
FEW = 1  # runs of one's own: a first start queues one
SHOWN = 3


@dataclass(frozen=True)
class WelcomePage:
    """Context of `help/welcome.html`."""

    runs: Sequence[RunMention]  # the newest of one's own
    is_there: bool  # the example


def welcome_page(session: Session) -> WelcomePage:
    """The welcome as it is now."""
    found = newest_runs(session, limit=SHOWN + 1)
    own = [one for one in found if one.id != example_id()]
    return WelcomePage(own[:SHOWN], len(own) < len(found))


def is_first_visit(session: Session) -> bool:
    """Whether nobody has launched much yet."""
    found = newest_runs(session, limit=FEW + 2)
    return len([one for one in found if one.id != example_id()]) <= FEW


def bring_example(importer: Importer) -> str:
    """The id of the example run; imports it where it is not there yet."""
    with EXAMPLE.open("rb") as file:
        [run] = importer.run(file).runs
    return run.id


@lru_cache(maxsize=1)
def example_id() -> str:
    """The run's own id, which it keeps unless another has it."""
    with ZipFile(EXAMPLE) as archive:
        [run_id] = json.loads(archive.read(MANIFEST))["runs"]
    return str(run_id)
