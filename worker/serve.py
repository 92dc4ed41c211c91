"""`python -m worker.serve OPTIONS`: a Celery worker; the options are those of `celery worker`.

Celery's own command looks for the app in the working directory first, where people have a package
`worker` of their own.
"""

import sys
from typing import cast

OPTIONS = ("--without-gossip", "--without-mingle")  # workers have nothing to tell one another


def main() -> None:
    """Works until it is stopped."""
    # A library that many others bring along, with which Celery rewrites its processes' commands: by
    # theirs, workers are known to who stops them and asks after them. Python takes it for missing
    # from here on, and Celery does without.
    cast(dict[str, object], sys.modules)["setproctitle"] = None
    from worker.celery_app import app

    app.worker_main(["worker", *OPTIONS, *sys.argv[1:]])


if __name__ == "__main__":
    main()
