"""What differs in the configs of runs: a table, and the axes by which runs can be grouped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.db.studies import FigureRun
from app.schemas.api.studies import AxisRead
from app.schemas.config import RunConfig
from app.services.compare.series import ComparedRun
from app.services.launch.sentences import PROGRAM, as_text, sections
from app.services.naming import clamps_in_words, preset_with_clamps
from app.services.runs.run_read import describe_config

SEEDS, BUT_SEEDS = "seeds", "but_seeds"
MOST_COLUMNS = 6  # runs beside each other; more are below each other


@dataclass(frozen=True)
class Difference:
    """A field of the config that is not the same in all runs."""

    field: str
    title: str
    unit: str
    texts: Sequence[str]  # one a run
    labels: Sequence[str]  # the same as legends say it
    order: Sequence[str]  # the labels without repetition, small numbers first
    numbers: Sequence[float] | None = None  # if there is one of every run

    @property
    def is_seed(self) -> bool:
        return self.field.startswith(f"{SEEDS}.")


@dataclass(frozen=True)
class Differences:
    """What differs in configs, and how much is the same."""

    fields: Sequence[Difference]
    same: int

    def texts_of(self, run: int) -> list[str]:
        """What is said of one run."""
        return [one.texts[run] for one in self.fields]


def differences_of(configs: Sequence[RunConfig]) -> Differences:
    """The fields in which configs differ, in the order of the launch form."""
    every = list(_fields(configs))
    differing = [one for one in every if len(one.order) > 1]
    return Differences(differing, len(every) - len(differing))


def _fields(configs: Sequence[RunConfig]) -> Iterator[Difference]:
    for section, model in sections():
        for option, info in model.model_fields.items():
            values = [getattr(getattr(config, section), option) for config in configs]
            texts = [as_text(value) or "none" for value in values]
            title = f"{info.title} (seed)" if section == SEEDS else info.title or option
            extra = info.json_schema_extra
            unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
            unit = "" if unit == title.lower() else unit
            order = _ordered(values, texts)
            numbers = _numbers(values)
            yield Difference(f"{section}.{option}", title, unit, texts, texts, order, numbers)
    words = [" ".join(describe_config(config)) for config in configs]
    labels = _program_labels(configs, words)
    yield Difference(PROGRAM, "Clamps", "", words, labels, list(dict.fromkeys(labels)))


def _program_labels(configs: Sequence[RunConfig], words: Sequence[str]) -> list[str]:
    """Names of programs, as short as they may be without two being called the same."""
    labels = list(words)
    for says in (_all_clamps, _few_clamps):
        shorter = [says(config) for config in configs]
        meant: dict[str, set[str]] = {}
        for name, whole in zip(shorter, words, strict=True):
            meant.setdefault(name, set()).add(whole)
        labels = [
            name if len(meant[name]) == 1 else label
            for name, label in zip(shorter, labels, strict=True)
        ]
    return labels


def _few_clamps(config: RunConfig) -> str:
    preset = preset_with_clamps(config)
    return preset.name if preset else clamps_in_words(config)


def _all_clamps(config: RunConfig) -> str:
    return clamps_in_words(config, len(config.program))


def _numbers(values: Sequence[object]) -> list[float] | None:
    """The values, if all are numbers; yes and no are none."""
    found = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    return list(found) if len(found) == len(values) else None


def _ordered(values: Sequence[object], texts: Sequence[str]) -> list[str]:
    """Every text once; numbers from the smallest on."""
    numbers = {
        text: value
        for text, value in zip(texts, values, strict=True)
        if isinstance(value, int | float)
    }
    return sorted(numbers, key=lambda text: numbers[text]) or list(dict.fromkeys(texts))


def axes_of(differences: Differences) -> list[AxisRead]:
    """How the runs can be grouped: by every field that differs, or by all that are no seeds."""
    axes = [
        AxisRead(field=one.field, title=one.title, labels=list(one.order))
        for one in differences.fields
    ]
    asked = [one for one in differences.fields if not one.is_seed]
    if len(asked) > 1 and len(asked) < len(differences.fields):
        labels = list(dict.fromkeys(_joined(asked)))
        axes.append(AxisRead(field=BUT_SEEDS, title="Everything but seeds", labels=labels))
    return axes


def _joined(fields: Sequence[Difference]) -> list[str]:
    """What a run is in several fields at once."""
    named = [
        [text if one.field == PROGRAM else f"{one.title.lower()} {text}" for text in one.labels]
        for one in fields
    ]
    return [" · ".join(texts) for texts in zip(*named, strict=True)]


def drawn_runs(runs: Sequence[ComparedRun], differences: Differences) -> list[FigureRun]:
    """What figures need to know of the runs."""
    asked = [one for one in differences.fields if not one.is_seed]
    joined = _joined(asked) if asked else [""] * len(runs)
    return [
        FigureRun(
            run_id=one.run.id,
            name=one.run.name,
            values={each.field: each.labels[place] for each in differences.fields}
            | {BUT_SEEDS: joined[place]},
            total_sequences=one.run.total_sequences,
            seed=one.config.seeds.initial,
            context_pairs=one.config.task.context_pairs,
            burstiness=one.config.task.burstiness,
            colour=one.run.colour,
        )
        for place, one in enumerate(runs)
    ]
