"""A database as a whole: brought up to date, written out, read back."""
