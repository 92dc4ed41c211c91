"""Parts of workers and trainers that need no service."""
