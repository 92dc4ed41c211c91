"""The form that launches a run or a fork: what was typed, what follows from it, what is wrong."""
