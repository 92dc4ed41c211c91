"""What operations answer beside what they are asked for: the errors that the document names."""

from typing import Any

from app.schemas.api.runs import Problem

Answers = dict[int | str, dict[str, Any]]

PROBLEMS: Answers = {
    401: {"model": Problem, "description": "No token that is known"},
    403: {"model": Problem, "description": "The token allows less, or another site asks"},
    404: {"model": Problem, "description": "There is no such thing"},
    410: {"model": Problem, "description": "The run is deleted, and can be restored"},
    422: {"model": Problem, "description": "The request says something that cannot be"},
    429: {"model": Problem, "description": "Too many requests; `Retry-After` says until when"},
    503: {"model": Problem, "description": "The database does not answer"},
}
# Of every operation that takes a body.
OF_BODIES = {"400": "The body cannot be read at all", "413": "The body is too large"}
CONFLICT: Answers = {
    409: {"model": Problem, "description": "As things are now, it cannot be done; why is said"}
}
