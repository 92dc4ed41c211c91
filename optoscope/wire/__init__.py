"""How a server is asked: where it is, requests, streams, lists in pages, and what goes wrong."""
