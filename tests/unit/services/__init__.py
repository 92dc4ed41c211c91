"""Services that need no database. One room, as most subjects have a single file."""
