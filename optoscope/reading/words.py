"""Numbers as people read them."""

MINUTE, HOUR = 60, 3600


def number(value: float | None, digits: int = 4) -> str:
    """Of a loss or a share; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def place(sequences: float | None) -> str:
    """A place of training; a dash where there is none yet."""
    return "–" if sequences is None else f"{sequences:,.0f}"


def duration(seconds: float | None) -> str:
    """`45 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
