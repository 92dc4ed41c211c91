"""Analyses: launched, claimed, cancelled and read. A worker's look at them is `worker.analysis`."""
