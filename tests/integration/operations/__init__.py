"""What those who keep a server running look at and do: health, metrics, logs, backups."""
