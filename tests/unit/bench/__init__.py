"""The bench, and the baseline that it compares with."""
