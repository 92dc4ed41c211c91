"""The page of a run: its parts, its words, and views of its charts."""
