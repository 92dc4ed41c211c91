"""What every request passes before a handler sees it: its origin, its sender, its size."""
