"""Lines of the list of runs: changed in place, pinned, in groups."""
