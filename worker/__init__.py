"""The training side of Optoscope: Celery tasks, the trainer process and the science core."""
