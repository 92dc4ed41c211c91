"""`python -m worker.serve OPTIONS`: a Celery worker; the options are those of `celery worker`.

Celery's own command looks for the app in the working directory first, where people have a package
`worker` of their own.
"""

import sys

# A library that many others bring along, and with which Celery rewrites its processes' commands: by
# theirs, workers are known to who stops them and asks after them. Missing, it is done without.
sys.modules["setproctitle"] = None  # type: ignore[assignment]

from worker.celery_app import app  # noqa: E402

OPTIONS = ("--without-gossip", "--without-mingle")  # workers have nothing to tell one another

if __name__ == "__main__":
    app.worker_main(["worker", *OPTIONS, *sys.argv[1:]])
