"""Where the server and the science lie, and how this process comes to import them.

`app`, `worker`, `web` and `migrations` are folders beside this package in a checkout, and inside it
in an installation: packages named `app` and `worker` at the top would meet those of whoever
installs this. So only processes of the program itself have that place on their path.
"""

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "_program"  # where a wheel puts them


def place() -> Path:
    """The folder of `app`, `worker`, `web` and `migrations`."""
    return INSTALLED if INSTALLED.is_dir() else PACKAGE.parent


def put_on_path() -> None:
    """Makes them importable here and in every process that this one starts."""
    found = str(place())
    sys.path.insert(0, found)
    before = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    os.environ["PYTHONPATH"] = os.pathsep.join([found, *(one for one in before if one != found)])
    # `python -m` looks into the working directory first, where people have an `app` of their own.
    os.environ["PYTHONSAFEPATH"] = "1"
