"""The web side of Optoscope: schemas, database, services, routes. Never imports torch or `worker`."""
