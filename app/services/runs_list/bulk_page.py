"""The page that asks before many runs are changed for good, and says which were refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db import runs
from app.errors import Invalid
from app.schemas.api.bulk import BulkAction, BulkRequest, BulkResult
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
    names = runs.names_of_runs(session, shown)
    many = f"{len(form.runs)} run{'' if len(form.runs) == 1 else 's'}"
    return BulkPage(
        form=form,
        title=in_words(form.request, result) if result else _asked(form.action, many),
        runs=[NamedRun(one, names.get(one, one), said.get(one, "")) for one in shown],
        is_done=result is not None,
        kept=days(grace),
        restorable=result.deleted if result else (),
    )


def _asked(action: str, many: str) -> str:
    for_good = action == BulkAction.PURGE
    return f"Delete {many} for good?" if for_good else f"{action.capitalize()} {many}?"
