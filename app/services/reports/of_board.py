"""The report of a board: its texts and figures in order, as they are now."""

from markupsafe import Markup
from sqlalchemy.orm import Session

from app.db.models import Board
from app.errors import AppError
from app.schemas.boards import FigureBlock, TextBlock
from app.services.boards.board_read import blocks_of
from app.services.boards.drawing import board_figure
from app.services.notes import notes_html
from app.services.reports.report import ReportChart, WrittenReport


def board_report(session: Session, board: Board, columns: int) -> WrittenReport:
    """Every block; in the place of a figure that cannot be shown any more stands why."""
    charts: list[ReportChart] = []
    text = Markup()
    for block in blocks_of(board):
        if isinstance(block, TextBlock):
            text += notes_html(block.markdown, down=1)
            continue
        try:
            charts.append(_chart(session, block, columns, text))
        except AppError as error:
            text += Markup("<p><em>{}</em></p>").format(error.detail)
        else:
            text = Markup()
    return WrittenReport(
        title=board.title,
        kind="Board",
        lead=[f"last changed on {board.changed_at:%Y-%m-%d}"],
        charts=charts,
        after=text,
    )


def _chart(session: Session, block: FigureBlock, columns: int, before: Markup) -> ReportChart:
    shown = board_figure(session, block, columns)
    return ReportChart(
        title=shown.title,
        note=shown.note,
        kind=shown.kind,
        figure=shown.figure,
        height=shown.height,
        smoothing=shown.smoothing,
        caption=block.caption,
        before=before,
    )
