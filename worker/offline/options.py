"""What to do to a model: a file of named programs, as clamps or as the published code's options.

A JSON object maps each name to an object of published options (without their `opto_` prefix), or to
a list of clamps. Clamps without effect are refused; options compute what the published code does,
and a note says where that is nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.schemas.check import ClampError, check_program
from app.schemas.clamp import Clamp, MeanAblate, Program, Resample
from app.schemas.config import RunConfig, TaskConfig, TrainingConfig, dimensions_of
from app.schemas.dataflow import Dataflow
from app.schemas.published import PublishedOptions, exact_program
from app.schemas.words import grouped
from worker.faults import places_of
from worker.offline import say
from worker.science.parameters import Shape

_PROGRAM: TypeAdapter[tuple[Clamp, ...]] = TypeAdapter(Program)


@dataclass(frozen=True)
class Manipulation:
    """A named program. `config` holds it, with the model, the task and the training."""

    name: str
    config: RunConfig
    # With perfect layer 1 and copy, the published code reports the patterns of an unclamped pass,
    # not of the one that its logits come from.
    reports_unclamped: bool = False

    @property
    def program(self) -> Program:
        """Its clamps."""
        return self.config.program

    @property
    def reads_batch(self) -> bool:
        """Whether what it does to a sequence depends on the others beside it."""
        return any(isinstance(clamp, MeanAblate | Resample) for clamp in self.program)


def read_manipulations(
    path: Path, shape: Shape, training: TrainingConfig, *, at: int | None = None
) -> list[Manipulation]:
    """All of a file's, for a model of this shape. `at`: the one moment that is looked at."""
    named = _read(path)
    plain = config_of(shape, training)
    return [_manipulation(f"{path}: {name}", name, named[name], plain, at) for name in named]


def config_of(shape: Shape, training: TrainingConfig) -> RunConfig:
    """A config of what is known. Its task is not one to draw sequences from, so that limits of
    drawing do not apply: only its sizes count."""
    sizes = {"context_pairs": shape.context_pairs, "labels": shape.labels}
    return RunConfig(
        model=shape.model, task=TaskConfig().model_copy(update=sizes), training=training
    )


def _read(path: Path) -> Mapping[str, object]:
    try:
        content = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict) or not content:
        raise ValueError(
            f'{path}: must map names to options or clamps, as in {{"mine": {{"ablate_heads": '
            f'["1:3"]}}}}'
        )
    for name in content:
        if name in PublishedOptions.model_fields:
            raise ValueError(
                f'{path}: {name} stands where a name should; write {{"mine": {{"{name}": ...}}}}'
            )
    return content


def _manipulation(
    where: str, name: str, content: object, plain: RunConfig, at: int | None
) -> Manipulation:
    if isinstance(content, dict):
        options = _options(where, content)
        program = _exact(where, options, plain)
        is_both = options.is_perfect_layer1 and options.perfect_copy_from_head_pattern is not None
        return Manipulation(name, plain.model_copy(update={"program": program}), is_both)
    if not isinstance(content, list):
        raise ValueError(f"{where}: must be an object of options or a list of clamps")
    try:
        clamps = _PROGRAM.validate_python(content)
    except ValidationError as error:
        raise ValueError(f"{where}: {places_of(error)}") from None
    _check(where, clamps, plain, at)
    return Manipulation(name, plain.model_copy(update={"program": clamps}))


def _check(where: str, clamps: Program, plain: RunConfig, at: int | None) -> None:
    """Raises ValueError for a clamp that cannot be or that changes nothing."""
    for clamp in clamps:
        if at is not None and not clamp.is_on(at):
            raise ValueError(
                f"{where}: {clamp.site}: the light is off at {grouped(at)} sequences; see --at"
            )
    try:
        check_program(clamps, dimensions_of(plain.model, plain.task, plain.training))
    except ClampError as error:
        raise ValueError(f"{where}: clamp {error.index}: {error}") from None


def _options(where: str, content: Mapping[str, object]) -> PublishedOptions:
    known = PublishedOptions.model_fields
    if unknown := sorted(content.keys() - known.keys()):
        close = get_close_matches(unknown[0].removeprefix("opto_"), known, 1)
        hint = f"did you mean {close[0]}?" if close else "--help lists them"
        raise ValueError(f"{where}: there is no option {unknown[0]}; {hint}")
    try:
        return PublishedOptions.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{where}: {places_of(error)}") from None


def _exact(where: str, options: PublishedOptions, plain: RunConfig) -> Program:
    """The clamps of the options, for this model."""
    layers, heads = plain.model.layers, plain.model.heads
    if options.is_perfect_layer1 and layers != 2:
        raise ValueError(
            f"{where}: perfect_prev_token_input means a model of 2 layers; this has {layers}"
        )
    program = exact_program(options, layers=layers)
    for clamp in program:
        if clamp.site.layers_of(layers)[0] >= layers or clamp.site.heads_of(heads)[0] >= heads:
            raise ValueError(
                f"{where}: {clamp.site}: the model has layers 0 to {layers - 1} and heads 0 to "
                f"{heads - 1}"
            )
    for name in _idle(options, program, plain):
        say(f"Note: {where}: {name} does not change the logits here, as in the published code.")
    return program


def _idle(options: PublishedOptions, program: Program, plain: RunConfig) -> Iterator[str]:
    """The options without which the logits would be the same."""
    flow = Dataflow(dimensions_of(plain.model, plain.task, plain.training))
    output = flow.output(program)
    for name in sorted(options.model_fields_set):
        default = PublishedOptions.model_fields[name].get_default()
        if getattr(options, name) != default:
            rest = options.model_copy(update={name: default})
            if flow.output(exact_program(rest, layers=plain.model.layers)) == output:
                yield name
