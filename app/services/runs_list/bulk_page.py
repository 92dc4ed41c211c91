"""The page that asks before many runs are changed for good, and says which were refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db import runs
from app.errors import Invalid
from app.schemas.api.bulk import BulkAction, BulkRequest, BulkResult
from app.schemas.state import TERMINAL, RunState
from app.services.launch.sentences import full_stop
from app.services.runs.bulk import in_words
from app.services.wording import days

ASKED_BEFORE = (BulkAction.CANCEL, BulkAction.DELETE, BulkAction.PURGE)
ELSEWHERE = {
    "compare": "/compare?runs={}",
    "measurements": "/api/v1/measurements.csv?runs={}",
}


@dataclass(frozen=True)
class BulkForm:
    """What was ticked and pressed."""

    runs: Sequence[str]
    action: str
    tags: str
    colour: str
    back: str  # the list that it was pressed on
    is_confirmed: bool

    @property
    def elsewhere(self) -> str | None:
        """Where these runs are shown, if that is what was asked for."""
        found = ELSEWHERE.get(self.action)
        return found.format(",".join(self.runs)) if found else None

    @property
    def is_to_be_confirmed(self) -> bool:
        return self.action in ASKED_BEFORE and not self.is_confirmed

    def leaves(self, state: RunState) -> bool:
        """Whether a run in this state stays as it is: what has ended cannot be cancelled, what
        has not cannot be deleted."""
        return (state in TERMINAL) == (self.action == BulkAction.CANCEL)

    @property
    def request(self) -> BulkRequest:
        """The same as the API takes it, or `Invalid`."""
        tags = [tag.strip() for tag in self.tags.split(",") if tag.strip()]
        colour = self.colour or None
        try:
            return BulkRequest.model_validate(
                {"runs": self.runs, "action": self.action, "tags": tags, "colour": colour}
            )
        except ValidationError as error:
            said = error.errors(include_url=False)[0]
            message = said["msg"].removeprefix("Value error, ")
            raise Invalid(full_stop(message)) from None


@dataclass(frozen=True)
class NamedRun:
    """A run of the form, and what is said of it."""

    id: str
    name: str
    said: str


@dataclass(frozen=True)
class BulkPage:
    """Context of `runs/bulk.html`."""

    form: BulkForm
    title: str
    runs: Sequence[NamedRun]
    is_done: bool
    left: str  # what is said of those that it will leave
    kept: str  # for how long deleted runs can be restored, in words; empty: they go at once
    restorable: Sequence[str] = ()  # those that were deleted just now


def read_bulk_form(fields: Sequence[tuple[str, str]]) -> BulkForm:
    """The form; `Invalid` if no run is ticked. A colour's button is its action, too."""
    last = dict(fields)
    runs = tuple(dict.fromkeys(value for name, value in fields if name == "run"))
    if not runs:
        raise Invalid("No run is ticked: tick the runs, then press what to do with them.")
    back = last.get("back", "")
    return BulkForm(
        runs=runs,
        action=last.get("action", BulkAction.COLOUR if "colour" in last else ""),
        tags=last.get("tags", ""),
        colour=last.get("colour", ""),
        back=back if back.startswith("/runs") else "/runs",  # never to another site
        is_confirmed="confirmed" in last,
    )


def bulk_page(
    session: Session, form: BulkForm, grace: timedelta, result: BulkResult | None = None
) -> BulkPage:
    """The question, or what became of the runs."""
    said = {item.id: item.detail for item in result.results} if result else {}
    shown = [one for one in form.runs if not result or said[one]]
    named = runs.names_of_runs(session, shown)
    left = [] if result else [one for one in shown if one in named and form.leaves(named[one][1])]
    return BulkPage(
        form=form,
        title=in_words(form.request, result)
        if result
        else _asked(form.action, len(form.runs) - len(left)),
        runs=[
            NamedRun(one, named[one][0] if one in named else one, said.get(one, ""))
            for one in shown
            if one not in left
        ],
        is_done=result is not None,
        left=_left(form.action, len(left), len(form.runs)),
        kept=days(grace),
        restorable=result.deleted if result else (),
    )


def _left(action: str, left: int, count: int) -> str:
    if not left:
        return ""
    one, several = _LEFT[action == BulkAction.CANCEL]
    return f"{left} of {counted(count)} {one if left == 1 else several}."


_LEFT = {
    False: (
        "has not ended and is left; cancel it first",
        "have not ended and are left; cancel them first",
    ),
    True: ("has ended and stays as it is", "have ended and stay as they are"),
}


def counted(count: int) -> str:
    """`1 run`, `3 runs`."""
    return f"{count} run{'' if count == 1 else 's'}"


def _asked(action: str, count: int) -> str:
    many = counted(count)
    for_good = action == BulkAction.PURGE
    return f"Delete {many} for good?" if for_good else f"{action.capitalize()} {many}?"
