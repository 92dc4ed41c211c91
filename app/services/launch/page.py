"""The launch page: the form, the same in words and in the circuit, and what it will cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.schemas.api.runs import Estimate
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS, Preset
from app.schemas.words import grouped
from app.services.clamps.circuit import Circuit, circuit
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.clamps.palette import ToolGroup, for_script, palette
from app.services.clamps.text import count_clamps
from app.services.costs.estimates import estimate
from app.services.launch.choices import preset_or_error
from app.services.launch.clamp_rows import ClampRow, clamp_rows
from app.services.launch.config_form import ConfigForm, FormSection, form_of
from app.services.launch.faults import FormFault, counted, faults
from app.services.launch.fork_form import ForkCard, fork_card
from app.services.launch.preset_choice import BEGAN, PresetChoice, PresetTaken, preset_choice
from app.services.launch.sentences import PROGRAM
from app.services.naming import default_name, own_name
from app.services.runs.lifecycle import run_or_error
from app.services.wording import duration, size

OPEN_SECTIONS = ("task", "training")  # the others show a summary until they are opened


@dataclass(frozen=True)
class Fact:
    """A line of label and value."""

    label: str
    text: str


@dataclass(frozen=True)
class NewPage:
    """Context of `launch/page.html`."""

    presets: Sequence[Preset]
    choice: PresetChoice
    taken: PresetTaken | None
    form: ConfigForm
    groups: Sequence[ToolGroup]
    uncommon: int  # lights that are shown on request
    catalogue: Sequence[dict[str, Any]]  # the same for the script
    grid: LitModel
    clamps: Sequence[ClampRow]
    clamp_count: str
    circuit: Circuit
    words: str
    facts: Sequence[Fact]
    based_on: str  # where the time comes from
    sections: Sequence[FormSection]
    name_hint: str
    fork: ForkCard | None
    open_sections: Sequence[str]
    is_typed: bool  # and so would be lost by a link
    faults: Sequence[FormFault]
    refusal: str


def new_page(
    session: Session,
    form: ConfigForm,
    *,
    taken: PresetTaken | None = None,
    is_typed: bool = False,
    refused: bool = False,
) -> NewPage:
    """The form with everything that follows from what it holds."""
    fork = fork_card(session, form)
    drawn = circuit(form.program, form.model)
    groups = palette()
    cost = estimate(session, form.config, since=fork.since if fork else 0) if form.config else None
    return NewPage(
        presets=PRESETS,
        choice=preset_choice(form),
        taken=taken,
        form=form,
        groups=groups,
        uncommon=sum(not tool.is_common for group in groups for tool in group.tools),
        catalogue=for_script(),
        grid=lit_model(form.program, form.model),
        clamps=clamp_rows(form),
        clamp_count=count_clamps(form.typed_program.items),
        circuit=drawn,
        words=_words(form, drawn),
        facts=_facts(cost) if cost else (),
        based_on=cost.based_on if cost else "",
        # What is open comes first.
        sections=sorted(form.sections, key=lambda one: one.name not in OPEN_SECTIONS),
        name_hint=_name_hint(form, fork),
        fork=fork,
        open_sections=OPEN_SECTIONS,
        is_typed=is_typed,
        faults=faults(form),
        refusal=counted(len(faults(form))) if refused else "",
    )


def initial_form(session: Session, preset_id: str | None, like: str | None) -> ConfigForm:
    """The form to start from: a preset, another run's config, or the paper's main experiment."""
    if like:
        run = run_or_error(session, like)
        return form_of(RunConfig.model_validate(run.config), name=own_name(run))
    if preset_id is None:
        return form_of(RunConfig())
    form = form_of(preset_or_error(PRESETS, preset_id).config)
    return replace(form, typed={**form.typed, BEGAN: preset_id})


def _name_hint(form: ConfigForm, fork: ForkCard | None) -> str:
    if fork is not None:
        return fork.name_hint
    return default_name(form.config) if form.config else ""


def _words(form: ConfigForm, drawn: Circuit) -> str:
    """What becomes of the circuit, as soon as the program makes sense, whatever else is wrong."""
    if any(place.startswith(PROGRAM) for place in form.errors):
        return "This program cannot be; see the clamps."
    if not form.program:
        return "Nothing is clamped: every head learns freely."
    return drawn.summary


def _start_facts(cost: Estimate) -> list[Fact]:
    if cost.start_seconds is None:
        return [Fact("starting and compiling before it", "not known yet; minutes at first")]
    usual = duration(cost.start_seconds)
    return [Fact("starting and compiling before it", f"usually {usual}, here so far")]


def _facts(cost: Estimate) -> list[Fact]:
    return [
        Fact("training on an idle worker", f"about {duration(cost.seconds)}"),
        *_start_facts(cost),
        Fact("measurements", grouped(cost.measurements)),
        Fact("attention frames", grouped(cost.frames)),
        Fact("checkpoints", f"{grouped(cost.checkpoints)}, {size(cost.checkpoint_bytes)}"),
    ]
