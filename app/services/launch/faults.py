"""What is wrong with a form as a list over it: each field by its name, as a link to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.services.launch.config_form import ConfigForm
from app.services.launch.sentences import PROGRAM, sections

_OTHERS = {  # places that are no option of a config: the element, and what people call it
    "": ("error-general", "All of it"),
    "name": ("name", "Name"),
    PROGRAM: ("program", "Program"),
    "fork_at": ("fork_at", "Checkpoint"),
    "fork_optimiser": ("fork_optimiser", "Optimiser"),
}


@dataclass(frozen=True)
class FormFault:
    """One thing that is to be put right, and the element where that is done."""

    id: str
    label: str
    said: str


def faults(form: ConfigForm) -> list[FormFault]:
    """In the order of the form's errors."""
    return list(faults_at(form.errors, _places()))


def counted(count: int) -> str:
    """How many there are, over their list."""
    return "One thing is to be put right." if count == 1 else f"{count} things are to be put right."


def faults_at(
    errors: Mapping[str, Sequence[str]], places: Mapping[str, tuple[str, str]]
) -> Iterator[FormFault]:
    """`places`: element and label of each that is known by name; clamps are counted from 1."""
    for place, sentences in errors.items():
        id, label = places.get(place) or _clamp(place)
        for said in sentences:
            yield FormFault(id, label, said)


def _places() -> dict[str, tuple[str, str]]:
    found = dict(_OTHERS)
    for name, section in sections():
        found[name] = (f"section-{name}", name.capitalize())
        for option, info in section.model_fields.items():
            found[f"{name}.{option}"] = (f"{name}-{option}", info.title or option)
    return found


def _clamp(place: str) -> tuple[str, str]:
    part, _, index = place.partition(".")
    if part == PROGRAM and index.isdigit():
        return f"clamp-{index}", f"Clamp {int(index) + 1}"
    return "error-general", place
