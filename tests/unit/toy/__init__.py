"""The toy model, with the paper's numbers."""
