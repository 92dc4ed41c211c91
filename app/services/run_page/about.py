"""What people say of a run, as the form on its page sends it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.errors import Invalid
from app.schemas.api.runs import RunPatch
from app.services.launch.sentences import sentence_of


def about_or_error(typed: Mapping[str, Any]) -> RunPatch:
    """The same as the API takes it, or `Invalid` with what is wrong first, by its field."""
    try:
        return RunPatch.model_validate(typed)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]).capitalize() if first["loc"] else "The form"
        if first["type"].endswith("too_short"):
            raise Invalid(f"{field}: write one; a run is called something.") from None
        raise Invalid(f"{field}: {sentence_of(first)}") from None
