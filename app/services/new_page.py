"""The launch page: the form, the same in words and in the circuit, and what it will cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.schemas.api import Estimate
from app.schemas.check import ClampError, check_program
from app.schemas.config import RunConfig
from app.schemas.describe import describe
from app.schemas.presets import PRESETS, Preset
from app.services.estimate import estimate
from app.services.fork_form import ForkCard, fork_card
from app.services.forms import ConfigForm, FormSection, form_of
from app.services.lights import Circuit, Light, LitHead, circuit, lit_heads
from app.services.runs import default_name, run_or_error
from app.services.wording import duration, grouped, size

OPEN_SECTIONS = ("task", "training")  # the others show a summary until they are opened


@dataclass(frozen=True)
class Tool:
    """A light that heads can be put under."""

    light: Light
    label: str
    tone: str


TOOLS = (
    Tool(Light.INDUCTION, "Induction pattern", "driven"),
    Tool(Light.PREVIOUS_TOKEN, "Previous-token pattern", "driven"),
    Tool(Light.SILENCE, "Silence", "silenced"),
    Tool(Light.NONE, "Clear", "none"),
)


@dataclass(frozen=True)
class Fact:
    """A line of label and value."""

    label: str
    text: str


@dataclass(frozen=True)
class NewPage:
    """Context of `new.html`."""

    presets: Sequence[Preset]
    chosen: str | None
    form: ConfigForm
    tools: Sequence[Tool]
    grid: list[list[LitHead]]
    circuit: Circuit
    words: Sequence[str]
    facts: Sequence[Fact]
    based_on: str  # where the time comes from
    sections: Sequence[FormSection]
    name_hint: str
    fork: ForkCard | None
    open_sections: Sequence[str]
    refusal: str


def new_page(
    session: Session, form: ConfigForm, *, chosen: str | None = None, refused: bool = False
) -> NewPage:
    """The form with everything that follows from what it holds."""
    fork = fork_card(session, form)
    cost = estimate(session, form.config, since=fork.since if fork else 0) if form.config else None
    return NewPage(
        presets=PRESETS,
        chosen=chosen or _preset_of(form),
        form=form,
        tools=TOOLS,
        grid=lit_heads(form.program, form.model),
        circuit=circuit(form.program, form.model),
        words=_words(form),
        facts=_facts(cost) if cost else (),
        based_on=cost.based_on if cost else "",
        # What is open comes first.
        sections=sorted(form.sections, key=lambda one: one.name not in OPEN_SECTIONS),
        name_hint=_name_hint(form, fork),
        fork=fork,
        open_sections=OPEN_SECTIONS,
        refusal=_refusal(form) if refused else "",
    )


def starting_form(session: Session, preset_id: str | None, like: str | None) -> ConfigForm:
    """The form to start from: a preset, another run's config, or the paper's main experiment."""
    if like:
        run = run_or_error(session, like)
        return form_of(RunConfig.model_validate(run.config), name=run.name)
    if preset_id is None:
        return form_of(RunConfig())
    for preset in PRESETS:
        if preset.id == preset_id:
            return form_of(preset.config)
    known = ", ".join(preset.id for preset in PRESETS)
    raise NotFound(f"There is no preset {preset_id!r}; there are {known}.")


def _name_hint(form: ConfigForm, fork: ForkCard | None) -> str:
    if fork is not None:
        return fork.name_hint
    return default_name(form.config) if form.config else ""


def _preset_of(form: ConfigForm) -> str | None:
    if form.config is None:
        return None
    hashes = {preset.config.config_hash: preset.id for preset in PRESETS}
    return hashes.get(form.config.config_hash)


def _words(form: ConfigForm) -> list[str]:
    """The program in sentences, as soon as it makes sense, whatever else is wrong."""
    try:
        check_program(form.program, form.dimensions)
    except ClampError:
        return ["This program cannot be; see the clamps."]
    if form.program_errors:
        return ["This program cannot be read; see the clamps."]
    return list(describe(form.program, layers=form.model.layers, heads=form.model.heads))


def _facts(cost: Estimate) -> list[Fact]:
    return [
        Fact("time on an idle worker", f"about {duration(cost.seconds)}"),
        Fact("measurements", grouped(cost.measurements)),
        Fact("attention frames", grouped(cost.frames)),
        Fact("checkpoints", f"{grouped(cost.checkpoints)}, {size(cost.checkpoint_bytes)}"),
    ]


def _refusal(form: ConfigForm) -> str:
    count = sum(map(len, form.errors.values()))
    return "One thing is to be put right." if count == 1 else f"{count} things are to be put right."
