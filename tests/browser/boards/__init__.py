"""Boards, from the first chart to what is read."""
