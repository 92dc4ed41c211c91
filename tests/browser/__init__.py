"""Pages in a real browser against the whole program, a file for each subject.

One room: they share one program and one browser, which take seconds to start.
"""
