"""Sequences: sampled from a dataset by seed and number alone, split, and stacked to batches."""
