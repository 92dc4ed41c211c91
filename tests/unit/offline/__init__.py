"""Tools that need no service."""
