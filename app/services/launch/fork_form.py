"""A fork as the launch form says it: three fields beside the config's.

`/runs/new?fork=RUN_ID&at=SEQUENCES&optimiser=reset` fills the form with that run's config and the
fields `fork_of`, `fork_at` and `fork_optimiser`; a form that holds them forks instead of launching.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Run
from app.errors import Conflict, Invalid
from app.schemas.api.runs import ForkRequest, LaunchRequest
from app.schemas.config import RunConfig
from app.schemas.state import Optimiser
from app.schemas.words import grouped, written_out
from app.services.costs.sizes import check_size
from app.services.launch.config_form import ConfigForm, form_of, read_form
from app.services.launch.sentences import PROGRAM, clamp_place
from app.services.naming import default_fork_name
from app.services.runs.data_files import check_data_file
from app.services.runs.forks import fork, plan
from app.services.runs.grafts import impossible_grafts
from app.services.runs.launching import launch
from app.services.runs.lifecycle import run_or_error

OF, AT, OPTIMISER = "fork_of", "fork_at", "fork_optimiser"
_FIELDS = {  # of a request, by what a fork may change in the form
    AT: "sequences",
    OPTIMISER: "optimiser",
    PROGRAM: "program",
    "training.learning_rate": "learning_rate",
    "training.sequences": "until_sequences",
    "seeds.data": "data_seed",
}
_END = "The end of that run: there is something to train only with more Sequences than it had."
_PLACES = {f"/{part}": name for name, part in _FIELDS.items()}


@dataclass(frozen=True)
class ForkCard:
    """What the form shows of the fork that it describes."""

    parent_id: str
    parent_name: str
    places: Sequence[int]  # where there are checkpoints, the latest first
    at: str  # as in `places` where it is one of them
    is_saved: bool  # whether it is
    note: str
    optimiser: str
    since: int  # where its training starts, as far as that can be read
    name_hint: str
    at_errors: Sequence[str]
    optimiser_errors: Sequence[str]


def fork_form(
    session: Session, run_id: str, at: str, optimiser: str, program: str | None = None
) -> ConfigForm:
    """The form of a fork to start from; without `at` the latest checkpoint is forked from which
    there is something to train. A fork of the very end trains for as long again."""
    parent = run_or_error(session, run_id)
    places = _places(session, parent)
    if not places:
        raise Conflict(f"Run {run_id} has saved no checkpoint yet, so it cannot be forked.")
    typed = dict(form_of(RunConfig.model_validate(parent.config)).typed)
    end = parent.total_sequences
    since = _place(at) if at else next((one for one in places if one < end), places[0])
    typed |= {OF: run_id, AT: at if since is None else grouped(since), OPTIMISER: optimiser}
    if since is not None and since >= end:
        typed["training.sequences"] = grouped(since + end)
    if program is not None:
        typed[PROGRAM] = program
    return checked(session, read_form(typed))


def checked(session: Session, form: ConfigForm) -> ConfigForm:
    """The form, with what is wrong about its fork, its grafts, its data file or its size: none of
    which the config can know."""
    if form.config is None:
        return form
    errors = _graft_errors(session, form.config)
    errors |= _fork_errors(session, form) if form.typed.get(OF) else _faults(session, form.config)
    return replace(form, errors=errors, config=None) if errors else form


def _fork_errors(session: Session, form: ConfigForm) -> dict[str, list[str]]:
    parent = run_or_error(session, form.typed[OF])
    return _changed_for_good(form, parent) or _refused(session, form, parent)


def _graft_errors(session: Session, config: RunConfig) -> dict[str, list[str]]:
    found = impossible_grafts(session, config)
    return {clamp_place(index): [sentence] for index, sentence in found}


def _faults(session: Session, config: RunConfig) -> dict[str, list[str]]:
    """Why a run cannot be trained here, by the field or the section that says so."""
    try:
        check_data_file(session, config)
        check_size(session, config)
    except Invalid as error:
        return {error.loc.removeprefix("/config/").replace("/", "."): [error.detail]}
    return {}


def fork_card(session: Session, form: ConfigForm) -> ForkCard | None:
    """The fork that the form describes, if it describes one."""
    if not form.typed.get(OF):
        return None
    parent = run_or_error(session, form.typed[OF])
    at = form.typed.get(AT, "")
    since, places = _place(at), _places(session, parent)
    return ForkCard(
        parent_id=parent.id,
        parent_name=parent.name,
        places=places,
        at=at if since is None else grouped(since),
        is_saved=since in places,
        note=_END if since is not None and since >= parent.total_sequences else "",
        optimiser=form.typed.get(OPTIMISER, Optimiser.KEEP),
        since=since or 0,
        name_hint=default_fork_name(parent, since or 0),
        at_errors=form.errors.get(AT, ()),
        optimiser_errors=form.errors.get(OPTIMISER, ()),
    )


def launch_typed(session: Session, form: ConfigForm) -> Run:
    """The run, or the fork, that a form without errors describes."""
    assert form.config is not None
    if form.typed.get(OF):
        # Checked once more within: what the form was checked against may have been deleted since.
        # Without a key: a form that is sent twice launches twice.
        return fork(session, run_or_error(session, form.typed[OF]), _request(form))
    return launch(session, LaunchRequest(config=form.config, name=form.name))


def _refused(session: Session, form: ConfigForm, parent: Run) -> dict[str, list[str]]:
    """Why there cannot be such a fork, by field."""
    try:
        plan(session, parent, _request(form))
    except Invalid as error:
        if error.loc.startswith("/program/"):
            return {}  # a graft, which is told at its clamp
        # The API's names of options are those of its requests; here they have labels.
        detail = error.detail.replace("`until_sequences`", "“Sequences”")
        return {_PLACES.get(error.loc, ""): [detail]}
    except ValidationError as error:
        said = {AT: "Write a whole number.", OPTIMISER: "Choose keep or reset."}
        wrong = {f"/{one['loc'][0]}" for one in error.errors()}
        return {_PLACES[place]: [said.get(_PLACES[place], "This cannot be.")] for place in wrong}
    return {}


def _changed_for_good(form: ConfigForm, parent: Run) -> dict[str, list[str]]:
    """The fields that a fork cannot change, and that were changed."""
    assert form.config is not None
    before = form_of(RunConfig.model_validate(parent.config)).typed
    now = form_of(form.config).typed
    fixed = before.keys() - _FIELDS.keys() - {"name"}
    return {
        name: [f"A fork keeps this as it is in {parent.name}: {before[name]}."]
        for name in fixed
        if now[name] != before[name]
    }


def _request(form: ConfigForm) -> ForkRequest:
    """The fork in the words of the API. Raises ValidationError where that cannot be."""
    config = form.config
    assert config is not None
    return ForkRequest.model_validate(
        {
            "sequences": _place(form.typed.get(AT, "")),
            "optimiser": form.typed.get(OPTIMISER, Optimiser.KEEP),
            "program": config.program,
            "learning_rate": config.training.learning_rate,
            "data_seed": config.seeds.data,
            "until_sequences": config.training.sequences,
            "name": form.name,
        }
    )


def _place(text: str) -> int | None:
    """The number, however people group or shorten it; None if it is none."""
    try:
        return int(written_out(text))
    except ValueError:
        return None


def _places(session: Session, run: Run) -> list[int]:
    return [one.sequences for one in reversed(series.checkpoints_of(session, run.id))]
