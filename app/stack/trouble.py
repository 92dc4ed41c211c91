"""What keeps Optoscope from starting: one sentence for the person at the terminal."""


class StackError(Exception):
    """Optoscope cannot start, or cannot go on."""
