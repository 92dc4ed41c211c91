"""Text as UTF-8 and Postgres can hold it: whatever comes from outside is checked here, once.

JSON can name half a surrogate pair (`"\\ud800"`), which no UTF-8 can carry, and the character NUL,
which Postgres has in no text.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.schemas.numbers import Numbers

NUL = "\0"

Step = int | str


def flaw(text: str) -> str:
    """Why the text cannot be kept; empty if it can."""
    if NUL in text:
        return "A text cannot hold the character NUL; leave it out."
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        return f"A text cannot hold {half}, half of a surrogate pair; write the whole character."
    return ""


def shown(text: str) -> str:
    """The text with what cannot be written as its escape."""
    return text.encode(errors="backslashreplace").decode()


def flaws(value: object) -> Iterator[tuple[tuple[Step, ...], str, str]]:
    """Of every text in a JSON value, names of members included, that cannot be kept: where it is,
    itself, why."""
    todo: list[tuple[tuple[Step, ...], object]] = [((), value)]
    while todo:  # and no recursion: what is sent may be nested deeper than a stack
        place, here = todo.pop()
        texts = here if isinstance(here, dict) else [here]
        yield from (
            (place, one, said) for one in texts if isinstance(one, str) and (said := flaw(one))
        )
        if isinstance(here, dict | list):
            steps = here.items() if isinstance(here, dict) else enumerate(here)
            todo += [((*place, step), below) for step, below in steps]


def _sound(text: str) -> str:
    if said := flaw(text):
        raise PydanticCustomError("text", "{reason}", {"reason": said})
    return text


SOUND = AfterValidator(_sound)  # after constraints, if there are any
Text = Annotated[str, SOUND]
Shown = Annotated[str, BeforeValidator(shown)]  # of answers: can always be written


class Body(Numbers):
    """What a request sends: its texts are sound wherever they are, also in what has no schema."""

    @model_validator(mode="before")
    @classmethod
    def _texts_are_sound(cls, value: object) -> object:
        details = [
            InitErrorDetails(
                type=PydanticCustomError("text", "{reason}", {"reason": said}),
                loc=place,
                input=shown(text),
            )
            for place, text, said in flaws(value)
        ]
        if details:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return value
