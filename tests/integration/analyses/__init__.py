"""Questions of a trained run, answered by real processes: one run, trained once for all of it."""
