"""Studies as data: what is asked for, and the runs that follow from it."""
