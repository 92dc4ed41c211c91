"""Settings against outcomes of the runs of a comparison: a table, correlations, and its figures."""
