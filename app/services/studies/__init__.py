"""Studies: what varies, the plan of their runs, and their pages."""
