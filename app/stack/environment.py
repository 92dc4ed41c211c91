"""The settings as the environment has them, or a sentence about the first that cannot be."""

import os
from typing import Any

from pydantic import ValidationError

from app.config import Settings
from app.stack.trouble import StackError


def checked_settings(**given: Any) -> Settings:  # noqa: ANN401  # as `Settings` takes them
    """The settings, what is given before what the environment says. Raises `StackError`."""
    try:
        return Settings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        complaint = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:  # of a file, which it names
            raise StackError(f"{complaint}.") from None
        name = f"OPTOSCOPE_{problem['loc'][0]}".upper()
        if problem["type"] == "missing":
            raise StackError(f"{name} is not set.") from None
        raise StackError(f"{name} cannot be used: {complaint}.") from None


def named(name: str) -> bool:
    """Whether the environment says this setting, or which file holds it."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))
