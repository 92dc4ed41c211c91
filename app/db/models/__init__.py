"""Tables. `sequences` is the cursor everywhere: key of every series, SSE id, `?after=`."""

from app.db.models.access import AccessToken, AuditEvent, BrowserSession, IdempotencyKey
from app.db.models.analyses import Analysis, AnalysisPart
from app.db.models.columns import Moment
from app.db.models.deleted import INCLUDING_DELETED
from app.db.models.kept import Board, SavedView
from app.db.models.runs import Run, RunEvent, RunExtremes
from app.db.models.series import Checkpoint, Frame, MeasurementRow, Probe, ResumePoint
from app.db.models.studies import Study, StudyRunRow
from app.db.models.webhooks import WebhookCursor, WebhookDelivery
from app.db.models.workers import FileRemoval, Worker

__all__ = [
    "INCLUDING_DELETED",
    "AccessToken",
    "Analysis",
    "AnalysisPart",
    "AuditEvent",
    "Board",
    "BrowserSession",
    "Checkpoint",
    "FileRemoval",
    "Frame",
    "IdempotencyKey",
    "MeasurementRow",
    "Moment",
    "Probe",
    "ResumePoint",
    "Run",
    "RunEvent",
    "RunExtremes",
    "SavedView",
    "Study",
    "StudyRunRow",
    "WebhookCursor",
    "WebhookDelivery",
    "Worker",
]
