"""The page that launches studies: what varies, around which base, and the runs that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.schemas.api.studies import DuplicateRead, PlannedRun, StudyEstimate
from app.schemas.clamps.phrases import site_words
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS, Preset
from app.schemas.studies.expansion import axis_title, config_fields
from app.schemas.studies.presets import STUDY_PRESETS, StudyPreset
from app.schemas.studies.request import PROGRAM, StudyRequest
from app.schemas.words import grouped
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.launch.choices import preset_or_error
from app.services.launch.config_form import ConfigForm, Typed, form_of
from app.services.launch.faults import FormFault, counted
from app.services.launch.page import Fact
from app.services.runs.lifecycle import run_or_error
from app.services.runs.run_read import describe_config
from app.services.studies.form import StudyForm, form_of_request, read_study_form
from app.services.studies.lifecycle import study_or_error
from app.services.studies.plan import read_plan
from app.services.wording import duration, size

SHOWN_RUNS = 100
SEEDS: Mapping[str, str] = {"axis-0-field": "seeds.initial", "axis-0-values": "5..9"}


@dataclass(frozen=True)
class FieldChoices:
    """Fields that can vary, of one part of the config."""

    title: str
    fields: Sequence[tuple[str, str]]  # field and label


@dataclass(frozen=True)
class StudyNewPage:
    """Context of `studies/new.html`."""

    presets: Sequence[StudyPreset]
    chosen: str | None
    bases: Sequence[Preset]
    form: StudyForm
    base: ConfigForm
    lit_model: LitModel
    words: Sequence[str]
    choices: Sequence[FieldChoices]
    name_hint: str
    facts: Sequence[Fact]
    based_on: str
    planned: Sequence[PlannedRun]
    more: int  # runs beyond those listed
    duplicates: Sequence[DuplicateRead]
    faults: Sequence[FormFault]
    refusal: str


def study_new_page(
    session: Session, typed: Typed, *, chosen: str | None = None, refused: bool = False
) -> StudyNewPage:
    """The form with everything that follows from what it holds."""
    form = read_study_form(session, typed)
    config = form.base.config
    plan = read_plan(session, form.plan) if form.plan else None
    runs = plan.runs if plan else []
    return StudyNewPage(
        presets=STUDY_PRESETS,
        chosen=chosen,
        bases=PRESETS,
        form=form,
        base=form.base,
        lit_model=lit_model(form.base.program, form.base.model),
        words=describe_config(config) if config else (),
        choices=_choices(form.base),
        name_hint=plan.name if plan and not form.base.name else "",
        facts=_facts(plan.estimate) if plan else (),
        based_on=plan.estimate.based_on if plan else "",
        planned=runs[:SHOWN_RUNS],
        more=max(0, len(runs) - SHOWN_RUNS),
        duplicates=plan.duplicates if plan else (),
        faults=form.faults,
        refusal=counted(len(form.faults)) if refused else "",
    )


def initial_study(
    session: Session, *, preset: str | None, like: str | None, base: str | None, run: str | None
) -> Typed:
    """What the form holds at first: a preset, another study, or seeds of some config."""
    if like:
        return form_of_request(StudyRequest.model_validate(study_or_error(session, like).request))
    if preset:
        return form_of_request(preset_or_error(STUDY_PRESETS, preset, what="study preset").request)
    if run:
        config = RunConfig.model_validate(run_or_error(session, run).config)
        return {**form_of(config).typed, **SEEDS}
    return {
        **form_of(preset_or_error(PRESETS, base).config if base else RunConfig()).typed,
        **SEEDS,
    }


def with_seeds(typed: Typed) -> Typed:
    """What the launch form sends, which has no axes, with some seeds to begin with."""
    has_axes = any(name.startswith("axis-") for name in typed)
    return typed if has_axes else {**typed, **SEEDS}


def _choices(base: ConfigForm) -> list[FieldChoices]:
    """What can vary: clamps, every option, and the settings of the base's clamps."""
    parts: dict[str, list[tuple[str, str]]] = {"seeds": []}  # the first thing that people vary
    for field, info in config_fields().items():
        parts.setdefault(field.split(".")[0], []).append((field, info.title or field))
    clamps = [
        (
            field,
            f"{axis_title(field)} of clamp {index + 1}, {clamp.title.lower()}, "
            f"{site_words(clamp.site)}",
        )
        for index, clamp in enumerate(base.program)
        for name in type(clamp).model_fields
        if name not in ("kind", "target") and (field := f"{PROGRAM}.{index}.{name}")
    ]
    return [
        FieldChoices("Clamps", [(PROGRAM, "Clamps: whole programs"), *clamps]),
        *(FieldChoices(name.capitalize(), fields) for name, fields in parts.items()),
    ]


def _facts(cost: StudyEstimate) -> list[Fact]:
    runs = f"{grouped(cost.new_runs)} new"
    reused = f", {grouped(cost.reused_runs)} reused" if cost.reused_runs else ""
    if not cost.new_runs:
        return [Fact("runs", f"nothing to train{reused}")]
    return [
        Fact("runs", runs + reused),
        Fact("sequences", grouped(cost.sequences)),
        Fact("time of one worker", f"about {duration(cost.seconds)}"),
        Fact("checkpoints", f"{grouped(cost.checkpoints)}, {size(cost.checkpoint_bytes)}"),
    ]
