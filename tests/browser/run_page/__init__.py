"""The page of a run, as a whole."""
