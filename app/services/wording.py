"""Numbers as people read them: short, with their unit. Pages and figures share these."""

from datetime import datetime, timedelta

from app.schemas.measure import Bracket, PhaseBrackets, PhaseChange
from app.schemas.words import grouped

UNDER_CLAMP = "under clamp"


def short(number: float | None) -> str:
    """`425024` -> `425k`, `1000000` -> `1M`, `None` -> `–`: three digits at most."""
    if number is None:
        return "–"
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size * 0.9995:
            return f"{number / size:.3g}{suffix}"
    return f"{number:.3g}"


def cut(text: str, longest: int) -> str:
    """Both ends of what is too long: names of runs differ in their seed, which comes last."""
    left = longest // 2
    return text if len(text) <= longest else f"{text[:left].rstrip()}…{text[left + 1 - longest :]}"


def between(known: Bracket) -> str:
    """Where something lies: `between 250k and 255k`; exact numbers where short ones are equal."""
    if known.after is None:
        return f"by {short(known.until)}"
    low, high = short(known.after), short(known.until)
    if low == high:
        low, high = grouped(known.after), grouped(known.until)
    return f"between {low} and {high}"


def span(known: Bracket) -> str:
    """The same as short as a label: `250k–255k`."""
    return between(known).removeprefix("between ").replace(" and ", "–")


def phase_change_said(change: PhaseChange, known: PhaseBrackets | None, *, is_clamped: bool) -> str:
    """`phase change under clamp: midpoint between 10k and 15k, reversed by 65k`; empty while there
    is no midpoint."""
    if change.midpoint is None:
        return ""
    where = between(known.midpoint) if known and known.midpoint else short(change.midpoint)
    clamp, undone = f" {UNDER_CLAMP}" if is_clamped else "", _undone(change)
    return f"phase change{clamp}: midpoint {where}{undone and f', {undone}'}"


def phase_marks(change: PhaseChange, *, is_clamped: bool) -> str:
    """The same of a midpoint that stands in a table: `under clamp, reversed by 65k`; empty if it
    is neither, or there is none."""
    if change.midpoint is None:
        return ""
    return ", ".join(filter(None, (UNDER_CLAMP if is_clamped else "", _undone(change))))


def _undone(change: PhaseChange) -> str:
    return "" if change.reversal is None else f"reversed by {short(change.reversal)}"


def fixed(number: float | None, digits: int = 3) -> str:
    """`0.01234` -> `0.012`, `None` -> `–`."""
    return "–" if number is None else f"{number:.{digits}f}".replace("-", "−")


def nats(loss: float | None) -> str:
    """A loss: `0.69315` -> `0.693`, `0.00042` -> `4.2e−4`: what is small stays readable."""
    if loss is None or not 0 < loss < 0.00995:
        return fixed(loss)
    digits, _, exponent = f"{loss:.1e}".partition("e")
    return f"{digits}e−{abs(int(exponent))}"


def standing(drawn: int, of: int, seeds: int) -> str:
    """How many runs stand behind a curve: `4 runs, 4 seeds`, `3 of 4 runs, one seed`."""
    runs = f"{drawn} run{'s' if drawn != 1 else ''}" if drawn == of else f"{drawn} of {of} runs"
    if drawn < 2:
        return runs
    return f"{runs}, {f'{seeds} seeds' if seeds > 1 else 'one seed'}"


def duration(seconds: float | None) -> str:
    """`75` -> `1 min 15 s`: two units at most."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    units = ((days, "d"), (hour, "h"), (minute, "min"), (second, "s"))
    first = next(index for index, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


def days(time: timedelta) -> str:
    """`7 days`, `1 day`, `12 h`; empty for no time at all."""
    count = time / timedelta(days=1)
    if count.is_integer() and count:
        return f"{count:.0f} day{'' if count == 1 else 's'}"
    return duration(time.total_seconds()) if count else ""


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: `3 min ago`."""
    if moment is None:
        return "–"
    seconds = (now - moment).total_seconds()
    if seconds < 1:
        return "just now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def size(count: int | None) -> str:
    """`809283` -> `809 kB`: bytes in decimal units."""
    if count is None:
        return "–"
    for scale, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"
