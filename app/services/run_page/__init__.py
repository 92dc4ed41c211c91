"""The page of one run: its parts, its charts, the tour, and how to repeat it."""
