"""Statements about many runs at once: which match, in which order, and what lists show of them."""
