"""The report of a run."""

import json
from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.db.models import Run
from app.schemas.api.runs import RunRead
from app.schemas.config import RunConfig
from app.schemas.view import Drawing
from app.schemas.words import grouped
from app.services.charts.axes import Look
from app.services.charts.run_figures import STRENGTHS, FigureName
from app.services.launch.config_form import form_of
from app.services.reports.frames import report_frames
from app.services.reports.report import ReportChart, ReportTable, WrittenReport
from app.services.run_page.charts import read_figure
from app.services.run_page.page import steps_block
from app.services.run_page.repeat import repeat_of
from app.services.run_page.story import in_text
from app.services.runs.run_read import read_whole_run
from app.services.wording import duration, phase_change_said


def run_report(session: Session, run: Run) -> WrittenReport:
    """What is known of a run: in words, in charts, and what repeats it."""
    config, read = RunConfig.model_validate(run.config), read_whole_run(session, run)
    return WrittenReport(
        title=read.name,
        kind="Run",
        lead=list(_lead(read)),
        sentences=[*read.description, *in_text(steps_block(session, run).story)],
        charts=list(_charts(session, run)),
        tables=[*_facts(read, config), _settings(config)],
        frames=report_frames(session, run),
        config=json.dumps(config.model_dump(mode="json"), indent=2),
    )


def figure_report(session: Session, run: Run, name: FigureName) -> WrittenReport:
    """One figure of a run."""
    read, chart = read_whole_run(session, run), _chart(session, run, name, Look())
    return WrittenReport(
        title=f"{chart.title} of {read.name}",
        kind="Figure",
        lead=list(_lead(read)),
        sentences=[*read.description, *in_text(steps_block(session, run).story)],
        charts=[chart],
        tables=_facts(read, RunConfig.model_validate(run.config)),
    )


def _lead(read: RunRead) -> Iterator[str]:
    yield str(read.state)
    yield f"{grouped(read.sequences)} of {grouped(read.total_sequences)} sequences"
    if read.run_seconds is not None and read.is_terminal:
        yield f"took {duration(read.run_seconds)}"
    if read.device:
        yield read.device
    if read.phase_change.midpoint is not None:
        known, is_clamped = read.phase_change_between, read.phase_change_is_clamped
        yield f"{phase_change_said(read.phase_change, known, is_clamped=is_clamped)}; one seed"


def _charts(session: Session, run: Run) -> Iterator[ReportChart]:
    for name in FigureName:
        if name not in STRENGTHS:
            yield _chart(session, run, name, Look())
    for name in STRENGTHS:
        yield _chart(session, run, name, Look())
        yield _chart(session, run, name, Look(drawing=Drawing.HEATMAP))


def _chart(session: Session, run: Run, name: FigureName, look: Look) -> ReportChart:
    figure = read_figure(session, run, name, look=look)
    meta = figure["layout"]["meta"]
    of_all = ", every head" if look.drawing is Drawing.HEATMAP else ""
    notes = [meta["unit"], *meta["notes"]]
    return ReportChart(f"{meta['title']}{of_all}", "; ".join(notes), "run", figure)


def _facts(read: RunRead, config: RunConfig) -> list[ReportTable]:
    marks = [
        (name.replace("_", " "), f"{grouped(round(place))} sequences")
        for name, place in read.phase_change
        if place is not None
    ]
    facts = [
        ("id", read.id),
        ("tags", ", ".join(read.tags)),
        ("notes", read.notes),
        ("created", f"{read.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        *repeat_of(read, config).facts,
    ]
    return [
        ReportTable("Phase change", (), marks),
        ReportTable("What repeats it", (), [one for one in facts if one[1]]),
    ]


def _settings(config: RunConfig) -> ReportTable:
    lines = [
        (section.title, option.label, option.value or "–", option.default or "–")
        for section in form_of(config).sections
        for option in section.fields
    ]
    return ReportTable("Settings", ("Part", "Setting", "Here", "Usually"), lines)
