"""Boards: pages of chosen charts of chosen runs with text between."""
