"""Errors that a user can cause or meet. The message is a sentence; one handler makes HTTP of it."""


class AppError(Exception):
    """Something went wrong."""

    status = 500
    title = "Internal error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(AppError):
    """There is no such thing."""

    status = 404
    title = "Not found"


class Gone(NotFound):
    """The run is deleted, and can still be restored."""

    status = 410
    title = "Deleted"

    def __init__(self, detail: str, run_id: str) -> None:
        super().__init__(detail)
        self.run_id = run_id


class Forbidden(AppError):
    """Whoever asks may not."""

    status = 403
    title = "Forbidden"


class Conflict(AppError):
    """The state of the thing forbids the request."""

    status = 409
    title = "Conflict"


class Invalid(AppError):
    """The request says something that cannot be."""

    status = 422
    title = "Invalid request"

    def __init__(self, detail: str, *, loc: str = "") -> None:
        super().__init__(detail)
        self.loc = loc  # which part of the request: a JSON pointer, or `query/NAME`, `header/NAME`


class InvalidQuery(Invalid):
    """A query over runs that cannot be read, and which of its characters this is about."""

    def __init__(
        self, detail: str, query: str, *, offset: int, length: int, suggestion: str
    ) -> None:
        super().__init__(detail, loc="query/q")
        self.query = query
        self.offset = offset
        self.length = length
        self.suggestion = suggestion  # what was probably meant; empty: nobody can say


class NotInRange(AppError):
    """A part of a file that lies beyond its end."""

    status = 416
    title = "Range not satisfiable"


class Unavailable(AppError):
    """A service that is needed does not answer."""

    status = 503
    title = "Service unavailable"
