"""REST: workers."""

from fastapi import APIRouter

from app.dependencies import SessionDep
from app.schemas.api.workers import WorkersRead
from app.services.workers import read_workers

router = APIRouter(tags=["workers"])


@router.get("/workers")
def get_workers(session: SessionDep) -> WorkersRead:
    """Workers, what each trains at present, and the queue."""
    return read_workers(session)
