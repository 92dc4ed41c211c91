"""One analysis, done by a process of its own: read from its row, looked at part by part."""
