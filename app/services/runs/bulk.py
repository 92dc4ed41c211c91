"""One action on many runs: each is changed, left as it is, or refused with the reason."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.db import runs
from app.db.models import Run
from app.errors import AppError, Conflict, NotFound
from app.schemas.api.bulk import BulkAction, BulkItem, BulkRequest, BulkResult
from app.schemas.api.runs import AUTOMATIC
from app.schemas.state import RunState
from app.services.runs.deletion import Disposal, delete_runs, purge_runs, restore_runs
from app.services.runs.lifecycle import change_run, request_cancel

MOST_TAGS = 20

# Why nothing is to be done; None: it was done.
_Act = Callable[[Session, Run, BulkRequest], str | None]


class _TooManyError(AppError):
    """A run would have more tags than it may."""


def act(session: Session, request: BulkRequest, how: Disposal) -> BulkResult:
    """Does it to every run. They are locked in the order of their ids, as everywhere."""
    if request.action in _OF_ALL:
        items = _act_on_all(session, request, how)
    else:
        # Read under the lock, since what is decided (tags to add, nothing to do) depends on it. All
        # rows stay locked until the one commit at the end; locked in the order of their ids, so
        # that two bulk requests, or one and a recorder's flush, wait in line.
        found = runs.locked_runs(session, request.runs)
        items = {
            run_id: _act_on(session, run_id, found.get(run_id), request)
            for run_id in dict.fromkeys(request.runs)
        }
    results = [items[run_id] for run_id in dict.fromkeys(request.runs)]
    counts = [item.result for item in results]
    return BulkResult(
        changed=counts.count("changed"),
        unchanged=counts.count("unchanged"),
        refused=counts.count("refused"),
        results=results,
        deleted=_restorable(request, results, how),
    )


def _restorable(request: BulkRequest, results: Sequence[BulkItem], how: Disposal) -> list[str]:
    if request.action is not BulkAction.DELETE or not how.grace:
        return []
    return [item.id for item in results if item.result == "changed"]


def _act_on_all(session: Session, request: BulkRequest, how: Disposal) -> dict[str, BulkItem]:
    """In as many statements for many runs as for one."""
    refused, done_already = _OF_ALL[request.action](session, request.runs, how)
    return {run_id: _item(run_id, refused.get(run_id), done_already) for run_id in request.runs}


def _item(run_id: str, refusal: AppError | None, done_already: type[AppError]) -> BulkItem:
    if refusal is None:
        return BulkItem(id=run_id, result="changed", detail="")
    # That it is so is what was asked for.
    result: Literal["unchanged", "refused"] = (
        "unchanged" if isinstance(refusal, done_already) else "refused"
    )
    return BulkItem(id=run_id, result=result, detail=refusal.detail)


# Those that are refused, and the reason that says that it is done already.
_Refused = tuple[dict[str, AppError], type[AppError]]
_OF_ALL: dict[BulkAction, Callable[[Session, Sequence[str], Disposal], _Refused]] = {
    BulkAction.DELETE: lambda session, ids, how: (delete_runs(session, ids, how), NotFound),
    BulkAction.PURGE: lambda session, ids, how: (
        purge_runs(session, ids, how.store_url),
        NotFound,
    ),
    BulkAction.RESTORE: lambda session, ids, _: (restore_runs(session, ids), Conflict),
}


def _act_on(session: Session, run_id: str, run: Run | None, request: BulkRequest) -> BulkItem:
    if run is None:
        return BulkItem(id=run_id, result="refused", detail=f"There is no run {run_id!r}.")
    try:
        reason = _ACTS[request.action](session, run, request)
    # The transaction goes on, and with it what was done to other runs: a refusal that had changed
    # something would be committed with them.
    except AppError as refusal:  # before anything was changed
        return BulkItem(id=run_id, result="refused", detail=refusal.detail)
    return BulkItem(id=run_id, result="unchanged" if reason else "changed", detail=reason or "")


def _tag(session: Session, run: Run, request: BulkRequest) -> str | None:
    tags = list(dict.fromkeys([*run.tags, *request.tags]))
    if tags == run.tags:
        return "It has these tags."
    if len(tags) > MOST_TAGS:
        raise _TooManyError(
            f"Run {run.id} would have {len(tags)} tags; at most {MOST_TAGS} are kept."
        )
    change_run(session, run, tags=tags)
    return None


def _untag(session: Session, run: Run, request: BulkRequest) -> str | None:
    tags = [tag for tag in run.tags if tag not in request.tags]
    if tags == run.tags:
        return "It has none of these tags."
    change_run(session, run, tags=tags)
    return None


def _colour(session: Session, run: Run, request: BulkRequest) -> str | None:
    if run.colour == (None if request.colour == AUTOMATIC else request.colour):
        return "It has this colour."
    change_run(session, run, colour=request.colour)
    return None


def _marks(field: str, mark: str, *, on: bool) -> _Act:
    """What puts a mark on a run, or takes it off."""
    change: dict[str, Any] = {field: on}

    def act(session: Session, run: Run, request: BulkRequest) -> str | None:
        if getattr(run, field) == on:
            return f"It is {'' if on else 'not '}{mark}."
        change_run(session, run, **change)
        return None

    return act


def _cancel(session: Session, run: Run, request: BulkRequest) -> str | None:
    if run.state in (RunState.STOPPING, RunState.CANCELLED):
        return f"It is {run.state}."
    request_cancel(session, run)
    return None


_ACTS: dict[BulkAction, _Act] = {
    BulkAction.TAG: _tag,
    BulkAction.UNTAG: _untag,
    BulkAction.COLOUR: _colour,
    BulkAction.PIN: _marks("is_pinned", "pinned", on=True),
    BulkAction.UNPIN: _marks("is_pinned", "pinned", on=False),
    BulkAction.SHELVE: _marks("is_shelved", "shelved", on=True),
    BulkAction.UNSHELVE: _marks("is_shelved", "shelved", on=False),
    BulkAction.CANCEL: _cancel,
}


def in_words(request: BulkRequest, result: BulkResult) -> str:
    """What was done, in a sentence: `3 runs tagged; 1 refused.`"""
    runs = f"{result.changed} run{'' if result.changed == 1 else 's'}"
    parts = [f"{runs} {_DONE[request.action]}"]
    if result.unchanged:
        parts.append(f"{result.unchanged} unchanged")
    if result.refused:
        parts.append(f"{result.refused} refused")
    return "; ".join(parts) + "."


_DONE = {
    BulkAction.TAG: "tagged",
    BulkAction.UNTAG: "untagged",
    BulkAction.COLOUR: "coloured",
    BulkAction.PIN: "pinned",
    BulkAction.UNPIN: "unpinned",
    BulkAction.SHELVE: "shelved",
    BulkAction.UNSHELVE: "back in the list",
    BulkAction.CANCEL: "cancelled",
    BulkAction.DELETE: "deleted",
    BulkAction.RESTORE: "restored",
    BulkAction.PURGE: "deleted for good",
}
