"""A worker whose Celery app has a broker that delivers again what is not acknowledged for two
seconds: a training lasts longer."""

import sys

from worker.celery_app import app
from worker.serve import OPTIONS

SECONDS = 2
app.conf.visibility_timeout = SECONDS
app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": SECONDS,
}

if __name__ == "__main__":
    app.worker_main(["worker", *OPTIONS, *sys.argv[1:]])
