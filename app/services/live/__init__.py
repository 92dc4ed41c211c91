"""What is new in runs, from Valkey to every stream that follows them, once and in order."""
