"""A config of the published code as a run config of ours.

Options of the same meaning are taken over; what decides nothing is ignored with the reason; what
would make it another experiment is refused, all of it at once, by the option's name. What differs
all the same is said.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from app.schemas import datasets
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.config import RunConfig, dimensions_of
from app.schemas.published.clamps import check_clamps
from app.schemas.published.config import PublishedConfig, is_of_2024, unknown_options
from app.schemas.published.findings import Findings
from app.schemas.published.options import CHECKPOINT, PREFIX, PublishedOptions
from app.schemas.published.program import IgnoredOption, effective_program, option_of
from app.schemas.published.task import task_section
from app.schemas.published.training import (
    model_section,
    read_fixed,
    recording_section,
    seeds_section,
    training_section,
)

# Which option decides a field of ours; of what concerns several, the first in line.
_OPTION_OF = {
    ("model", "layers"): "depth",
    ("model", "heads"): "num_heads",
    ("model", "width"): "d_model",
    ("model", "mlp_ratio"): "mlp_ratio",
    ("model",): "d_model",
    ("task", "dataset"): "data_file",
    ("task", "classes"): "class_split",
    ("task", "new_classes"): "class_split",
    ("task", "exemplars"): "exemplar_split",
    ("task", "context_pairs"): "train_context_len",
    ("task", "burstiness"): "pt_burstiness",
    ("task", "zipf_exponent"): "zipf_alpha",
    ("task", "input_noise"): "noise_scale_train",
    ("task", "labels"): "fs_relabel",
    ("task",): "fs_relabel",
    ("training", "sequences"): "train_iters",
    ("training", "batch_size"): "train_bs",
    ("training", "learning_rate"): "lr",
    ("seeds", "initial"): "init_seed",
    ("seeds", "data"): "train_seed",
    ("seeds", "evaluation"): "eval_seed",
    ("seeds", "label_pairs"): "fs_relabel_split_seed",
    ("recording", "evaluation_sequences"): "eval_iters",
}
LONGEST_NOTES = 20_000  # characters, as the API allows
_GRAFT = (
    "{named} cannot be read here; give the run of this server that stands for it and where it was "
    "saved: graft_{way} RUN@SEQUENCES beside the config (--graft-{way} on the command line)"
)


class Imported(BaseModel):
    """A run config, the run's name, and what became of the rest."""

    model_config = ConfigDict(frozen=True)

    config: RunConfig
    name: str
    ignored: tuple[IgnoredOption, ...]
    differs: tuple[str, ...]

    @property
    def notes(self) -> str:
        """What became of the rest, to be kept with the run."""
        ignored = [f"{one.option}: {one.reason}." for one in self.ignored]
        parts = {"What differs:": self.differs, "What was ignored:": ignored}
        lists = (
            "\n".join([title, *(f"- {x}" for x in told)]) for title, told in parts.items() if told
        )
        return "\n\n".join(["From a config of the published code.", *lists])[:LONGEST_NOTES]


def _dataset(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(datasets.PATTERN, text):
        raise ValueError(f"{text} is none of {datasets.NAMES} and {datasets.OWN.name}")
    return text


def _graft(text: str | None) -> str | None:
    if text is not None and not CHECKPOINT.fullmatch(text):
        raise ValueError(f"{text} is not a checkpoint; write RUN@SEQUENCES")
    return text


InsteadDataset = Annotated[str | None, AfterValidator(_dataset)]
InsteadGraft = Annotated[str | None, AfterValidator(_graft)]


class Instead(BaseModel):
    """What a run here has in place of files that only the published code can read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: InsteadDataset = None
    graft_in: InsteadGraft = None
    graft_out: InsteadGraft = None


def import_published(content: Mapping[str, Any], instead: Instead | None = None) -> Imported:
    """Raises `ValidationError` with everything that cannot be had, each at its option."""
    findings, instead = Findings(), instead or Instead()
    config, options = _parse(_with_grafts(content, instead, findings), findings)
    attn_bias = is_of_2024(content)
    read_fixed(config, findings)
    sections = {
        "model": model_section(config, findings, attn_bias=attn_bias),
        "task": task_section(config, findings, instead.dataset),
        "training": training_section(config, findings),
        "seeds": seeds_section(config, findings),
        "recording": recording_section(config, findings),
    }
    check_clamps(config, options, findings)
    findings.check()
    run_config = _with_program(_run_config(sections, findings), options, findings)
    return Imported(
        config=run_config,
        name=config.run if "run" in content else "",
        ignored=tuple(findings.ignored),
        differs=tuple(findings.differs),
    )


def _with_grafts(
    content: Mapping[str, Any], instead: Instead, findings: Findings
) -> Mapping[str, Any]:
    """Runs of ours in place of the files that are named, which cannot be read."""
    given = dict(content)
    for way in ("in", "out"):
        option, checkpoint = f"{PREFIX}graft_{way}_model_ckpt", getattr(instead, f"graft_{way}")
        named = given.get(option)
        if checkpoint is not None and named is None:
            findings.refuse(option, f"is not in the config: there is nothing to be {checkpoint}")
        elif checkpoint is not None:
            findings.differ(f"{option} is {checkpoint}, not {named}.")
            given[option] = checkpoint
        elif isinstance(named, str) and not CHECKPOINT.fullmatch(named):
            findings.refuse(option, _GRAFT.format(named=named, way=way))
            del given[option]
    return given


def _parse(
    content: Mapping[str, Any], findings: Findings
) -> tuple[PublishedConfig, PublishedOptions]:
    unknown = unknown_options(content)
    for option, reason in unknown.items():
        findings.refuse(option, reason)
    known = {name: value for name, value in content.items() if name not in unknown}
    clamping = {n.removeprefix(PREFIX): v for n, v in known.items() if n.startswith(PREFIX)}
    others = {name: value for name, value in known.items() if not name.startswith(PREFIX)}
    config, options = PublishedConfig(), PublishedOptions()
    try:
        config = PublishedConfig.model_validate(others)
    except ValidationError as error:
        findings.take(error)
    try:
        options = PublishedOptions.model_validate(clamping)
    except ValidationError as error:
        findings.take(error, PREFIX)
    findings.check()
    return config, options


def _run_config(sections: dict[str, dict[str, Any]], findings: Findings) -> RunConfig:
    """Without its program."""
    try:
        return RunConfig.model_validate(sections)
    except ValidationError as error:
        for one in error.errors():
            place = tuple(map(str, one["loc"][:2]))
            option = _OPTION_OF.get(place) or _OPTION_OF.get(place[:1], "train_iters")
            findings.refuse(option, one["msg"].removeprefix("Value error, "))
        findings.fail()


def _with_program(config: RunConfig, options: PublishedOptions, findings: Findings) -> RunConfig:
    """The same with the clamps that matter."""
    program, ignored = effective_program(options, _dimensions(config))
    findings.ignored += ignored
    try:
        return RunConfig.model_validate({**config.model_dump(), "program": program})
    except ValidationError as error:
        for one in error.errors():
            index = one["loc"][1] if len(one["loc"]) > 1 else 0
            clamp = program[index if isinstance(index, int) else 0]
            findings.refuse(option_of(clamp), one["msg"].removeprefix("Value error, "))
        findings.fail()


def _dimensions(config: RunConfig) -> Dimensions:
    return dimensions_of(config.model, config.task, config.training)
