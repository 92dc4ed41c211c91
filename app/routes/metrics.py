"""Metrics for Prometheus, and the middleware that times requests for them."""

from time import monotonic

from fastapi import APIRouter, Response
from prometheus_client import Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dependencies import ServicesDep
from app.routes.api.router import PREFIX
from app.routes.guard.access import FILES

router = APIRouter(tags=["health"])

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(made: ServicesDep) -> Response:
    """What Prometheus reads: queue, runs, leases, streams, requests, workers, disk."""
    return Response(generate_latest(made.metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class RequestTimes:
    """Times every request until its answer begins: a stream is not slow for lasting hours."""

    def __init__(self, app: ASGIApp, *, histogram: Histogram) -> None:
        self._app, self._histogram = app, histogram

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, was_told = monotonic(), False
        path = scope["path"].removeprefix(scope.get("root_path", ""))  # which a mount changes

        async def sent(message: Message) -> None:
            nonlocal was_told
            if message["type"] == "http.response.start":
                self._tell(scope, path, message["status"], monotonic() - began)
                was_told = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:  # a bug: the framework answers 500, outside of this
            if not was_told:
                self._tell(scope, path, 500, monotonic() - began)
            raise

    def _tell(self, scope: Scope, path: str, status: int, seconds: float) -> None:
        # Both are whatever a client writes, and each label is kept for good.
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._histogram.labels(method, _template(scope, path), f"{status // 100}xx").observe(
            seconds
        )


def _template(scope: Scope, path: str) -> str:
    """`/runs/{run_id}`; `none` where nothing is, or before a route was looked for."""
    if path.startswith(FILES):
        return FILES
    found = getattr(scope.get("route"), "path_format", None)
    # The router that serves it is in the application's by its prefix, which it does not know.
    return "none" if found is None else f"{PREFIX if path.startswith(PREFIX) else ''}{found}"
