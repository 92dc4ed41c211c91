"""The client without a server: what it sends, and what it makes of answers."""
