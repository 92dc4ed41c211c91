"""Configs, clamps and imports as data."""
