"""Lines of the list of runs: pinned, in groups."""
