"""One machine, no servers installed: Postgres, Valkey, a worker and the web server as children.

One room: each module is a step of the same start, in the order in which it needs the others.
"""
