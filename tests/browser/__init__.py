"""Pages in a real browser against the whole program, a file for each subject."""
