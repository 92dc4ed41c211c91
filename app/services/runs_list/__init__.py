"""The list of runs: filters, columns, pages of it, and actions on many."""
