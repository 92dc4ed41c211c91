"""Figures, as plain dicts."""
