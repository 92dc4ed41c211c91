"""The training of a cohort: updates, evaluations, and the loop that yields reports."""
