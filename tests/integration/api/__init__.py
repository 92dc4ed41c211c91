"""The REST API, over HTTP."""
