"""The web side: schemas, database, services, routes. Never imports torch or `worker`."""
