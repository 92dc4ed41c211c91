"""The web application: `uvicorn --factory app.main:create_app`."""

import asyncio
import gc
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import FrameType

from fastapi import Depends, FastAPI

from app.assets.served import assets
from app.config import Settings
from app.db.engine import make_engine
from app.dependencies import Services
from app.routes import health, metrics
from app.routes.api import router as api
from app.routes.guard.access import AccessCheck
from app.routes.guard.body import BodyLimit
from app.routes.guard.origins import OriginCheck
from app.routes.guard.request_ids import RequestIds
from app.routes.headers import SecurityHeaders
from app.routes.metrics import RequestTimes
from app.routes.pages import router as pages
from app.routes.problems import add_error_handlers
from app.routes.root_path import RootPath
from app.routes.texts import check_address
from app.services.access.gate import Gate
from app.services.analyses import attempts as analyses
from app.services.beats import Beats
from app.services.live.hub import Hub
from app.services.metrics import Metrics
from app.services.runs.deletion import purge_overdue
from app.services.runs.log_files import remove_logs_of_deleted
from app.services.runs.outbox import Outbox, transaction
from app.services.runs.periodic import Periodic
from app.services.runs.reaper import Reaper
from app.services.runs.retention import tidy
from app.services.webhooks import EVERY_SECONDS, Webhooks

TIDY_SECONDS = 20.0
# After which `/readyz` says that this work is not done any more. The janitor may have thousands of
# files of a slow store to remove.
LATE_REAPER, LATE_LISTENER, LATE_JANITOR = 30.0, 30.0, 600.0


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    made = _make_services(settings or Settings())
    app = FastAPI(
        title="Optoscope",
        lifespan=_lifespan,
        dependencies=[Depends(check_address)],
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,  # the framework's page loads its scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=api.operation_id,
    )
    app.state.services = made
    app.state.navigation = pages.NAVIGATION
    app.openapi = lambda: api.describe(app)  # type: ignore[method-assign]  # as FastAPI documents
    app.add_middleware(BodyLimit, most_of_archive=made.settings.most_archive_bytes)
    app.add_middleware(AccessCheck, gate=made.gate)
    origins = made.settings.embed_origins
    app.add_middleware(
        OriginCheck,
        hosts=made.settings.hosts,
        is_open=made.gate.is_open,
        embeds=bool(origins),
    )
    # The last is the first that a request passes.
    app.add_middleware(SecurityHeaders, embed_origins=origins)
    app.add_middleware(RequestTimes, histogram=made.metrics.requests)
    app.add_middleware(RequestIds)
    app.add_middleware(RootPath, path=made.settings.root_path)
    add_error_handlers(app)
    # First, as a request is held against every route before its own, and most are for files.
    app.mount("/static", assets(), name="static")
    app.include_router(api.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(pages.router)
    return app


def _make_services(settings: Settings) -> Services:
    engine, beats = make_engine(settings.database_url), Beats()
    listens = beats.of("listener", within_seconds=LATE_LISTENER)
    hub = Hub(engine, settings.redis_url, listens)
    return Services(
        settings=settings,
        engine=engine,
        outbox=Outbox(settings.redis_url),
        hub=hub,
        gate=Gate(engine, settings.access_token),
        beats=beats,
        metrics=Metrics(settings, engine, hub, beats),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    made: Services = app.state.services
    # Here and not in `create_app`: threads and loops do not survive the fork of a server with
    # several processes.
    sweeps = made.beats.of("reaper", within_seconds=LATE_REAPER)
    tidies = made.beats.of("janitor", within_seconds=LATE_JANITOR)
    reaper = Reaper(made.engine, made.outbox, beat=sweeps, also=[analyses.KEPT])
    janitor = Periodic("janitor", partial(_tidy, made), every_seconds=TIDY_SECONDS, beat=tidies)
    hooks = _webhooks(made)
    gc.freeze()  # what is loaded by now stays: looking through it takes longer than most answers
    # Listens before the first request is taken, so that no stream opens on a hub that never tells.
    made.hub.start()
    reaper.start()
    janitor.start()
    if hooks is not None:
        hooks.start()
    try:
        with _streams_end_on_signals(made.hub):
            yield
    finally:
        # In this order: streams and the reaper use the engine and the outbox, which go last.
        await made.hub.stop()
        reaper.stop()
        janitor.stop()
        if hooks is not None:
            hooks.stop()
        made.outbox.close()
        made.engine.dispose()


def _webhooks(made: Services) -> Periodic | None:
    said = made.settings
    if not said.webhook_urls:
        return None
    secret = said.webhook_secret.get_secret_value()
    tell = Webhooks(made.engine, said.webhook_urls, secret).tell
    return Periodic("webhooks", tell, every_seconds=EVERY_SECONDS)


def _tidy(made: Services) -> None:
    purge_overdue(partial(transaction, made.engine, made.outbox), made.settings.checkpoint_url)
    tidy(made.engine)
    remove_logs_of_deleted(made.engine, made.settings.data_dir)


@contextmanager
def _streams_end_on_signals(hub: Hub) -> Iterator[None]:
    """Ends open streams when the server is told to stop: it waits for them before it says so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # The server has set its own handlers before it starts the application; ours call them.
    servers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    loop = asyncio.get_running_loop()

    def end_streams(number: int, frame: FrameType | None) -> None:
        # A handler runs between any two steps of the loop's own code, also while the hub goes
        # through its queues: it may only ask for the closing.
        loop.call_soon_threadsafe(hub.close)
        handler = servers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in servers:
        signal.signal(number, end_streams)
    try:
        yield
    finally:
        for number, handler in servers.items():
            signal.signal(number, handler)
