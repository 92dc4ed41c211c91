"""The language in which runs are asked for: its text, its tree, and what is wrong with a text."""
