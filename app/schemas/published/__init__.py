"""Configs of the paper's published code, read as configs of ours, with what is lost on the way."""
