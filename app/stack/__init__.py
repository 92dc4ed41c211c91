"""One machine, no servers installed: Postgres, Valkey, a worker and the web server as children."""
