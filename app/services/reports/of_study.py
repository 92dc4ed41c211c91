"""The report of a study."""

import json
from collections.abc import Iterator

from markupsafe import Markup
from sqlalchemy.orm import Session

from app.db.models import Study
from app.schemas.api.limits import MOST_RUNS
from app.schemas.api.studies import StudyRunRead, WholeStudyRead
from app.schemas.words import grouped
from app.services.charts.curves import metric_or_error
from app.services.compare.comparison import Chosen, choose
from app.services.compare.view import CompareView
from app.services.notes import notes_html
from app.services.reports.of_outcomes import outcome_charts
from app.services.reports.report import ReportChart, ReportTable, WrittenReport
from app.services.runs.run_read import describe_config
from app.services.studies.figure import StudyView, study_figure
from app.services.studies.page import counts
from app.services.studies.study_read import read_whole_study
from app.services.wording import nats, short

LAUNCH = "curl -H 'Content-Type: application/json' -d @REQUEST.json SERVER/api/v1/studies"
USUAL_HEIGHT = 420  # pixels


def study_report(session: Session, study: Study, view: StudyView, columns: int) -> WrittenReport:
    """Its curves as a view has them, settings and outcomes of its runs, and what repeats it."""
    read = read_whole_study(session, study)
    chosen = choose(session, [run.id for run in read.runs[:MOST_RUNS]])
    outcomes = outcome_charts(session, chosen, CompareView(runs=tuple(chosen.ids)), columns)
    return WrittenReport(
        title=read.name,
        kind="Study",
        lead=list(_lead(read)),
        charts=[_curves(session, study, view, columns), *outcomes],
        tables=[_varied(read), _runs(read), _clamps(chosen), _facts(read)],
        config=json.dumps(study.request, indent=2),
        config_title="Request",
        repeated_by=LAUNCH,
    )


def _lead(read: WholeStudyRead) -> Iterator[str]:
    progress = read.progress
    yield counts(progress)
    total = grouped(progress.total_sequences)
    yield f"{grouped(progress.sequences)} of {total} sequences in {progress.runs} runs"


def _curves(session: Session, study: Study, view: StudyView, columns: int) -> ReportChart:
    figure = study_figure(session, study, view, columns=columns)
    meta = figure["layout"]["meta"]
    return ReportChart(
        title=metric_or_error(view.metric).title,
        note=meta["note"],
        kind="overlay",
        figure=figure,
        height=meta.get("height") or USUAL_HEIGHT,
        before=notes_html(study.notes, down=1) if study.notes else Markup(),
    )


def _varied(read: WholeStudyRead) -> ReportTable:
    lines = [(axis.title, ", ".join(axis.labels)) for axis in read.axes]
    return ReportTable("What varies", ("Setting", "Values"), lines)


def _runs(read: WholeStudyRead) -> ReportTable:
    axes = read.axes
    head = ("Run", "Id", *(axis.title for axis in axes))
    rest = ("State", "Sequences", "Train loss (nats)", "Midpoint", "End")
    lines = [_line(run, [axis.field for axis in axes]) for run in read.runs]
    return ReportTable("Runs", (*head, *rest), lines)


def _line(run: StudyRunRead, axes: list[str]) -> list[str]:
    given = [run.values.get(axis, "–") for axis in axes]
    places = [grouped(run.sequences), nats(run.train_loss), short(run.midpoint), short(run.end)]
    return [run.name, run.id, *given, run.state.value, *places]


def _clamps(chosen: Chosen) -> ReportTable:
    lines = [(one.run.name, " ".join(describe_config(one.config))) for one in chosen.runs]
    return ReportTable("In words", ("Run", "What is done"), lines)


def _facts(read: WholeStudyRead) -> ReportTable:
    facts = [
        ("id", read.id),
        ("tags", ", ".join(read.tags)),
        ("created", f"{read.created_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    return ReportTable("About the study", (), [one for one in facts if one[1]])
