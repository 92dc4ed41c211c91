"""What an import finds: options that cannot be had, those that it ignores, and what differs."""

from dataclasses import dataclass, field
from typing import NoReturn

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.schemas.published.program import IgnoredOption


@dataclass
class Findings:
    """Filled while a config is read."""

    refused: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[IgnoredOption] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    def refuse(self, option: str, reason: str) -> None:
        """An option without which it would be another experiment, and that we do not have."""
        if (option, reason) not in self.refused:
            self.refused.append((option, reason))

    def ignore(self, option: str, reason: str) -> None:
        """An option that decides nothing here."""
        self.ignored.append(IgnoredOption(option=option, reason=reason))

    def differ(self, sentence: str) -> None:
        """Something that is not as in the published code."""
        self.differs.append(sentence)

    def take(self, error: ValidationError, prefix: str = "") -> None:
        """Refuses what pydantic has refused."""
        for one in error.errors():
            message = one["msg"].removeprefix("Value error, ")
            # What concerns two options has no place; its message starts with one of them.
            option, *steps = map(str, one["loc"] or message.split()[:1])
            where = "".join(f"[{step}]" for step in steps)
            self.refuse(f"{prefix}{option}", f"{where} {message}".strip())

    def check(self) -> None:
        """Raises what was refused so far."""
        if self.refused:
            self.fail()

    def fail(self) -> NoReturn:
        """Everything refused, as one error, each with its option as the place."""
        details = [
            InitErrorDetails(
                type=PydanticCustomError("published", "{reason}", {"reason": reason}),
                loc=(option,),
                input=None,
            )
            for option, reason in self.refused
        ]
        raise ValidationError.from_exception_data("published config", details)
