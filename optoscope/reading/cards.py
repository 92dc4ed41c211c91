"""Runs and studies as a notebook shows them: a small table, with a link to the page that is live,
and below a run its card, live too, where the server lets it be shown in a frame.

Written for both themes of a notebook: no colours but the run's own.
"""

from collections.abc import Mapping
from html import escape

from optoscope.reading.answers import RunFacts, StudyFacts
from optoscope.reading.words import duration, number, place

Rows = Mapping[str, str]


def run_card(facts: RunFacts, url: str, frame: str = "") -> str:
    """A run at this moment; `frame`: the address of what is shown below it."""
    rows = {
        "state": facts.state + (f": {facts.error_message}" if facts.error_message else ""),
        "sequences": f"{facts.sequences:,} of {facts.total_sequences:,}",
        "training loss": f"{number(facts.train_loss)} nats",
        "phase change": place(facts.phase_change.midpoint),
        "clamps": "; ".join(facts.description) or "none",
    }
    if facts.seconds_left is not None:
        rows["time left"] = duration(facts.seconds_left)
    return _card(facts.name or facts.id, url, rows, facts.colour) + _frame(frame)


def _frame(url: str) -> str:
    if not url:
        return ""
    style = "width:100%;height:440px;border:0"
    return f'<iframe src="{escape(url)}" style="{style}" title="The run, live"></iframe>'


def study_card(facts: StudyFacts, url: str) -> str:
    """A study at this moment."""
    course = facts.progress
    rows = {
        "runs": ", ".join(f"{count} {state}" for state, count in course.by_state.items()),
        "sequences": f"{course.sequences:,} of {course.total_sequences:,}",
    }
    if course.seconds_left is not None:
        rows["time left"] = duration(course.seconds_left)
    return _card(facts.name or facts.id, url, rows)


def _card(title: str, url: str, rows: Rows, colour: str = "currentColor") -> str:
    link = f'<a href="{escape(url)}" target="_blank" rel="noopener">{escape(title)}</a>'
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    head = f'<caption style="text-align:left"><b>{link}</b></caption>'
    style = f"border-left:4px solid {escape(colour)}"
    return f'<table style="{style}">{head}<tbody>{lines}</tbody></table>'
