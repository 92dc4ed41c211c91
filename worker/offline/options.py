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

from app.schemas.clamps.check import ClampError, check_program
from app.schemas.clamps.dataflow import Dataflow
from app.schemas.clamps.kinds import Clamp, MeanAblate, Program, Resample
from app.schemas.config import RunConfig, TaskConfig, TrainingConfig, dimensions_of
from app.schemas.published.options import PublishedOptions, exact_program
from app.schemas.words import grouped
from worker.config_errors import places_of
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
    path: Path, plain: RunConfig, *, at: int | None = None
) -> list[Manipulation]:
    """All of a file's, for the model of a config; each has the clamps of that, too. `at`: the one
    moment that is looked at."""
    reader = _Reader(path, plain, at)
    return [reader.manipulation(name, content) for name, content in _named(path).items()]


def config_of(shape: Shape, training: TrainingConfig) -> RunConfig:
    """A config of what is known. Its task is not one to draw sequences from, so that limits of
    drawing do not apply: only its sizes count."""
    sizes = {"context_pairs": shape.context_pairs, "labels": shape.labels}
    task = TaskConfig().model_copy(update=sizes)
    return RunConfig().model_copy(update={"model": shape.model, "task": task, "training": training})


def _named(path: Path) -> dict[str, object]:
    """What the file has, by name."""
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


class _Reader:
    """Reads the manipulations of one file, for one model."""

    def __init__(self, path: Path, plain: RunConfig, at: int | None) -> None:
        self.path, self.plain, self.at = path, plain, at
        self.dimensions = dimensions_of(plain.model, plain.task, plain.training)
        self.flow = Dataflow(self.dimensions)

    def manipulation(self, name: str, content: object) -> Manipulation:
        where = f"{self.path}: {name}"
        if isinstance(content, dict):
            options = _options(where, content)
            program = self._exact(where, options)
            copies = options.perfect_copy_from_head_pattern is not None
            return Manipulation(name, self._with(program), options.is_perfect_layer1 and copies)
        if not isinstance(content, list):
            raise ValueError(f"{where}: must be an object of options or a list of clamps")
        return Manipulation(name, self._with(self._clamps(where, content)))

    def _with(self, program: Program) -> RunConfig:
        own = self.plain.program
        program = (*own, *(clamp for clamp in program if clamp not in own))
        return self.plain.model_copy(update={"program": program})

    def _clamps(self, where: str, content: list[object]) -> Program:
        """Clamps that can be and that change something; ValueError for others."""
        try:
            clamps = _PROGRAM.validate_python(content)
        except ValidationError as error:
            raise ValueError(f"{where}: {places_of(error)}") from None
        for clamp in clamps:
            if self.at is not None and not clamp.is_on(self.at):
                off = f"the light is off at {grouped(self.at)} sequences"
                raise ValueError(f"{where}: {clamp.site}: {off}; see --at")
        try:
            check_program(clamps, self.dimensions)
        except ClampError as error:
            raise ValueError(f"{where}: clamp {error.index}: {error}") from None
        return clamps

    def _exact(self, where: str, options: PublishedOptions) -> Program:
        """What the published code does under these options, if this model can have it."""
        layers, heads = self.dimensions.layers, self.dimensions.heads
        if options.is_perfect_layer1:
            _check_perfect_layer1(where, options, layers)
        program = exact_program(options, layers=layers)
        for clamp in program:
            site = clamp.site
            if site.layers_of(layers)[0] >= layers or site.heads_of(heads)[0] >= heads:
                raise ValueError(
                    f"{where}: {site}: the model has layers 0 to {layers - 1} and heads 0 to "
                    f"{heads - 1}"
                )
        for note in self._notes(options, program):
            say(f"Note: {where}: {note}.")
        return program

    def _notes(self, options: PublishedOptions, program: Program) -> Iterator[str]:
        """What may not be as expected: options without which the logits would be the same, and
        what the published code has no meaning for."""
        layers, output = self.dimensions.layers, self.flow.output(program)
        for name in sorted(options.model_fields_set):
            default = PublishedOptions.model_fields[name].get_default()
            if getattr(options, name) != default:
                rest = options.model_copy(update={name: default})
                if self.flow.output(exact_program(rest, layers=layers)) == output:
                    yield f"{name} does not change the logits here, as in the published code"
        is_shared = options.induction_heads and options.induction_head_strength < 1
        if is_shared and self.dimensions.context_pairs > 2 and not options.is_perfect_layer1:
            yield "all wrong labels share the rest; the published code knows two context pairs only"
        if options.graft_out_model_ckpt is not None:
            yield "attn is this model's; the published code reports that of the grafted one"


def _check_perfect_layer1(where: str, options: PublishedOptions, layers: int) -> None:
    if layers != 2:
        raise ValueError(
            f"{where}: perfect_prev_token_input means a model of 2 layers; this has {layers}"
        )
    if options.perfect_copy_from_head_pattern is not None:
        return  # it ignores ablations
    if first := [head for head in options.ablate_heads if head.split(":")[0] != "1"]:
        raise ValueError(
            f"{where}: ablate_heads {first[0]}: beside perfect_prev_token_input only heads of "
            f"layer 1 can be ablated"
        )


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
