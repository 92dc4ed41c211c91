"""`python -m worker.serve OPTIONS`: a Celery worker; the options are those of `celery worker`.

Celery's own command looks for the app in the working directory first, where people have a package
`worker` of their own.
"""

import sys

from worker.celery_app import app

OPTIONS = ("--without-gossip", "--without-mingle")  # workers have nothing to tell one another

if __name__ == "__main__":
    app.worker_main(["worker", *OPTIONS, *sys.argv[1:]])
