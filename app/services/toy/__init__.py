"""The toy model on a page: its figure, and what it is beside the paper's."""
