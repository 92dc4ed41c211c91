"""Postgres: tables, the engine, and every SQL statement of the project.

One room: whoever changes a table finds here all that reads it.
"""
