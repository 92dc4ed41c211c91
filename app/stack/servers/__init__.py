"""The servers, Postgres and Valkey: from their wheels, or those that somebody else runs."""
