"""What integration tests share: rows, servers, workers and waiting."""
