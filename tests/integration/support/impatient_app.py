"""The workers' Celery app with a broker that delivers again what is not acknowledged for two
seconds: a training lasts longer."""

from worker.celery_app import app

SECONDS = 2
app.conf.visibility_timeout = SECONDS
app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": SECONDS,
}
