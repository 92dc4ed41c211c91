"""Postgres: tables, the engine, and every SQL statement of the project."""
