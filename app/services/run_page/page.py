"""The page of one run: where it stands, its figures, attention, program, events and config."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.db import runs, series
from app.db.models import Run, RunEvent, Study
from app.db.studies import studies_of
from app.schemas.analyses.presets import AnalysisPreset
from app.schemas.api.runs import RunRead
from app.schemas.api.series import CheckpointRead, Thinning
from app.schemas.clamps.base import Light
from app.schemas.config import RunConfig
from app.schemas.measure import Measurement
from app.schemas.state import CLAIMABLE, RunState
from app.schemas.view import ChartView
from app.services.analyses.page import AnalysisRow, analyses_of_run, presets_for
from app.services.charts.marks import windows_of
from app.services.charts.timeline import TimelineDrawing, timeline
from app.services.clamps.circuit import Circuit, circuit
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.clamps.text import count_clamps
from app.services.launch.config_form import ConfigForm, FormField, form_of
from app.services.run_page.charts import Charts, charts_of
from app.services.run_page.evidence import StepsPart, steps_part
from app.services.run_page.repeat import Repeat, repeat_of
from app.services.run_page.starting import Starting, spent, starting_of
from app.services.run_page.story import Sentence, story
from app.services.run_page.tour import TourStep, tour
from app.services.runs.log_files import RunLog
from app.services.runs.run_read import read_whole_run
from app.services.runs_list.page import summary
from app.services.series.checkpoints import read_checkpoints
from app.services.series.frames import peers
from app.services.series.measurements import read_measurements

CAN_PAUSE = CLAIMABLE | {RunState.STARTING, RunState.RUNNING}
CAN_RESUME = (RunState.PAUSING, RunState.PAUSED)
USUAL_VIEW = ChartView()
LOG_SECONDS = 3
MAP_COLUMNS = 8  # heads of a layer beside each other


@dataclass(frozen=True)
class Notice:
    """What went wrong with a run."""

    title: str
    detail: str


@dataclass(frozen=True)
class Download:
    """A link to the same numbers elsewhere."""

    label: str
    url: str
    filename: str = ""


@dataclass(frozen=True)
class StatusPart:
    """Context of the blocks that are fetched again while a run goes on."""

    run: RunRead
    studies: Sequence[Study]
    summary: str
    can_cancel: bool
    can_pause: bool
    can_resume: bool
    waits: str
    starting: Starting | None
    spent: str
    notice: Notice | None
    events: Sequence[RunEvent]
    checkpoints: Sequence[CheckpointRead]
    checkpoints_near: Sequence[tuple[str, int]]  # what lies there, and the nearest of them
    checkpoint_every: int
    analyses: Sequence[AnalysisRow]
    analysis_presets: Sequence[AnalysisPreset]
    repeat: Repeat


@dataclass(frozen=True)
class RunPageContext(StatusPart):
    """Context of `run/page.html`."""

    log: RunLog
    log_seconds: int
    has_results: bool  # something was measured, or may yet be
    points_awaited: str
    latest: Measurement | None
    charts: Charts
    evaluation_sequences: int
    grid: LitModel
    circuit: Circuit
    steps: StepsPart
    story: Sequence[Sentence]
    timeline: TimelineDrawing
    map_columns: int
    frames_awaited: str
    clamp_count: str
    form: ConfigForm
    changed: Sequence[FormField]
    changed_count: str
    config_json: str
    downloads: Sequence[Download]
    tour: Sequence[TourStep]
    page_data: dict[str, Any]
    card: str = ""  # the one that is shown, in a frame of another page; empty: all of them


@dataclass(frozen=True)
class LogPart:
    """Context of the block `log`, which grows while the run trains."""

    run: RunRead
    log: RunLog
    log_seconds: int  # until it is asked for again; 0: it grows no more


@dataclass(frozen=True)
class StepsBlock:
    """Context of the blocks `steps`, `story`, `timeline` and `tour`."""

    run: RunRead
    steps: StepsPart
    story: Sequence[Sentence]
    timeline: TimelineDrawing
    tour: Sequence[TourStep]


def steps_block(session: Session, run: Run) -> StepsBlock:
    """What was measured of the circuit, the run in words, and its time line, as they are now."""
    config, read = RunConfig.model_validate(run.config), read_whole_run(session, run)
    rows, thinning = read_measurements(session, run, config)
    steps = steps_part(session, run, config, (rows, thinning))
    saved = series.checkpoints_of(session, run.id)
    drawn = timeline(
        read,
        rows,
        windows_of(config.program),
        saved=[one.sequences for one in saved],
        happened=_happened(runs.events_of(session, run.id)),
    )
    said = tour(read, rows[-1] if rows else None)
    return StepsBlock(read, steps, story(read, rows, steps.judged), drawn, said)


def _happened(events: Sequence[RunEvent]) -> list[int]:
    """Where there are events."""
    return [event.sequences for event in events if event.sequences]


def log_part(run: RunRead, log: RunLog) -> LogPart:
    return LogPart(run, log, 0 if run.is_terminal else LOG_SECONDS)


def status_part(session: Session, run: Run) -> StatusPart:
    """What changes while a run goes on, apart from its numbers."""
    config = RunConfig.model_validate(run.config)
    read = read_whole_run(session, run)
    saved = read_checkpoints(session, run, f"/api/v1/runs/{run.id}/checkpoints")
    events = runs.events_of(session, run.id)
    return StatusPart(
        run=read,
        studies=studies_of(session, run.id),
        summary=summary(config),
        can_cancel=not read.is_terminal and read.state is not RunState.STOPPING,
        can_pause=read.state in CAN_PAUSE,
        can_resume=read.state in CAN_RESUME,
        waits=_waits(read),
        starting=starting_of(session, read, events),
        spent=spent(read, events),
        notice=_notice(read),
        events=list(reversed(events)),
        checkpoints=list(reversed(saved.checkpoints)),
        checkpoints_near=_near(read, [one.sequences for one in saved.checkpoints]),
        checkpoint_every=config.recording.checkpoint_every,
        analyses=analyses_of_run(session, run),
        analysis_presets=presets_for(config),
        repeat=repeat_of(read, config),
    )


def _near(read: RunRead, saved: Sequence[int]) -> list[tuple[str, int]]:
    """Which checkpoint lies nearest to each place that people look for."""
    change = read.phase_change
    places = [("onset", change.onset), ("midpoint", change.midpoint), ("end", change.end)]
    if change.plateau_start is not None and change.plateau_end is not None:
        places.insert(0, ("plateau", (change.plateau_start + change.plateau_end) / 2))
    if not saved:
        return []
    return [(name, _nearest(saved, place)) for name, place in places if place is not None]


def _nearest(saved: Sequence[int], place: float) -> int:
    return min(saved, key=lambda one: abs(one - place))


def run_page(
    session: Session, run: Run, log: RunLog, view: ChartView = USUAL_VIEW
) -> RunPageContext:
    """Everything that the page shows before its stream brings more."""
    config = RunConfig.model_validate(run.config)
    # First the state, then the numbers. A page of a run that is over opens no stream: with the
    # numbers read first, those that came with its end would be missing for good.
    status = status_part(session, run)
    rows, thinning = read_measurements(session, run, config)
    charts = charts_of(session, run, config, (rows, thinning), view)
    steps = steps_part(session, run, config, (rows, thinning))
    form = form_of(config)
    changed = [
        option for section in form.sections for option in section.fields if option.is_changed
    ]
    return RunPageContext(
        **{name: getattr(status, name) for name in StatusPart.__dataclass_fields__},
        log=log,
        log_seconds=log_part(status.run, log).log_seconds,
        has_results=bool(rows) or not status.run.is_terminal,
        points_awaited="" if rows else "Points appear here as soon as training starts.",
        latest=rows[-1] if rows else None,
        charts=charts,
        evaluation_sequences=config.recording.evaluation_sequences,
        grid=lit_model(config.program, config.model),
        circuit=circuit(config.program, config.model),
        steps=steps,
        story=story(status.run, rows, steps.judged),
        timeline=timeline(
            status.run,
            rows,
            windows_of(config.program),
            saved=sorted(one.sequences for one in status.checkpoints),
            happened=_happened(status.events),
        ),
        map_columns=min(config.model.heads, MAP_COLUMNS),
        frames_awaited=_frames_awaited(status.run),
        clamp_count=count_clamps(config.program),
        form=form,
        changed=changed,
        changed_count=_count(len(changed), "setting", "no setting") + " changed",
        config_json=json.dumps(config.model_dump(mode="json"), indent=2),
        downloads=_downloads(run),
        tour=tour(status.run, rows[-1] if rows else None),
        page_data=_page_data(session, run, config, status.run, rows, thinning, charts),
    )


def _page_data(
    session: Session,
    run: Run,
    config: RunConfig,
    read: RunRead,
    rows: Sequence[Measurement],
    thinning: Thinning,
    charts: Charts,
) -> dict[str, Any]:
    """What the page's script starts from; `after` is where its stream goes on."""
    probe = series.probe_of(session, run.id)
    return {
        "run_url": f"/api/v1/runs/{run.id}",
        "events_url": "/api/v1/events",
        "run": read.model_dump(mode="json"),
        "total_sequences": run.total_sequences,
        # The last row is kept by all thinning. What is committed after it, between these
        # statements too, comes by the stream.
        "after": rows[-1].sequences if rows else -1,
        "points": thinning.of,
        **charts.data,
        # Later than the rows: it may name frames past `after`. The stream names them once more.
        "frames": list(series.frame_sequences(session, run.id)),
        "probe": probe.sequences if probe else [],
        "peers": peers(session, run),
        "layers": config.model.layers,
        "selected_head": _selected_head(config, rows),
    }


def _selected_head(config: RunConfig, rows: Sequence[Measurement]) -> int:
    """The head of the last layer to look at first: the strongest that is not silenced."""
    last = lit_model(config.program, config.model).layers[0]
    heard = [lit.head for lit in last.heads if lit.tone != Light.SILENCED] or [0]
    if not rows:
        return heard[0]
    strengths = rows[-1].induction_strength[-1]
    return max(heard, key=lambda head: strengths[head] if math.isfinite(strengths[head]) else -2)


def _waits(run: RunRead) -> str:
    """What a run without points is doing; a line that is there anyway, so that nothing shifts."""
    match run.state:
        case RunState.QUEUED:
            return "waits for a free worker"
        case RunState.STOPPING:
            return "stops within seconds"
        case RunState.PAUSING:
            return "saves where it is"
        case RunState.PAUSED:
            return "nothing is lost; it goes on when it is resumed"
    return ""


def _notice(run: RunRead) -> Notice | None:
    if run.state is RunState.LOST:
        detail = "Nothing measured is lost: the next free worker goes on where it was saved."
        return Notice("Its trainer went silent", detail)
    if run.state is RunState.FAILED:
        return Notice("Training failed", run.error_message or "No reason is known.")
    return None


def _frames_awaited(run: RunRead) -> str:
    if run.is_terminal:
        return "This run ended before its first attention frame."
    return "The first attention frame appears here as soon as training starts."


def _count(number: int, word: str, none: str) -> str:
    return f"{number} {word}{'s' if number > 1 else ''}" if number else none


def _downloads(run: Run) -> list[Download]:
    api = f"/api/v1/runs/{run.id}"
    return [
        Download("Measurements (CSV)", f"{api}/measurements.csv", f"{run.id}.csv"),
        Download("Measurements (Parquet)", f"{api}/measurements.parquet", f"{run.id}.parquet"),
        Download("Attention frames (NumPy)", f"{api}/frames.npz", f"{run.id}-frames.npz"),
        Download("Report (HTML)", f"{api}/report.html", f"{run.id}-report.html"),
        Download("Save as moving picture (SVG)", f"{api}/forming.svg", f"{run.id}-forming.svg"),
        Download("Everything (archive)", f"{api}/archive.zip", f"{run.id}.optoscope.zip"),
        Download("Config (JSON)", f"{api}/config", f"{run.id}.json"),
        Download("Loss figure (Plotly JSON)", f"{api}/figures/loss", f"{run.id}-loss.json"),
    ]
