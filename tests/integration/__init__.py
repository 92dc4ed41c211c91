"""The program's parts against a real Postgres and Valkey, which the fixtures start."""
