"""Watching a trainer: how long it may still run, by what the rows of its runs say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import claims
from app.db.claims import Claim
from app.schemas.state import ACTIVE, RunState
from app.services.runs import attempts
from app.services.runs.outbox import Outbox, transaction
from worker.retry import AWAY
from worker.service.trainer_process import TrainerProcess

CANCEL_SECONDS = 1.0  # a trainer may take to let a run go that is cancelled: 2 s in all
STOP_SECONDS = 8.0  # ... to save when the worker shuts down or a run is paused
EXIT_SECONDS = 5.0  # ... to exit once its runs have ended
_GRACE_SECONDS = {RunState.STOPPING: CANCEL_SECONDS, RunState.PAUSING: STOP_SECONDS}
RENEWALS = 5  # of the leases, in the time that they last
FOREVER = float("inf")


@dataclass
class Watch:
    """Looks at the runs of one trainer; what it does not let go in time is taken from it."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    claims: Sequence[Claim]
    is_stopping: Callable[[], bool]
    trainer: TrainerProcess
    _asked: dict[str, float] = field(default_factory=dict)  # since when a run is to go
    _renewed_at: float = -FOREVER

    def time_left(self) -> float:
        """How many seconds the trainer may still run, as things are now."""
        try:
            with transaction(self.engine, self.outbox) as session:
                states = claims.states_of(session, self.claims)
                self._renew(session)
                overdue = self._overdue(states)
                # If all are overdue nothing is written yet: settled after the kill, they cannot be
                # claimed by another worker while this trainer still writes files.
                if len(overdue) < len(states):  # else it is killed first
                    self._let_go(session, overdue)
        # Not `retry_while_away`: while we waited here nobody would see the trainer exit.
        except AWAY:
            return FOREVER
        return self._judge(states, overdue)

    def _renew(self, session: Session) -> None:
        """Keeps the leases while the trainer cannot."""
        # Its recorder renews them, too, but in a thread that shares the interpreter with the
        # loading of torch and with the compiler, and may not get to run for seconds.
        if monotonic() - self._renewed_at < self.settings.lease_seconds / RENEWALS:
            return
        # Of those that were asked to pause while it loads, too; once it is ready only of those that
        # start: ours must not keep alive what only seems to train.
        states = (RunState.STARTING,) if self.trainer.is_ready else tuple(ACTIVE)
        claims.renew_start(session, self.claims, self.settings.lease_seconds, states)
        self._renewed_at = monotonic()

    def _judge(self, states: dict[str, RunState], overdue: Sequence[Claim]) -> float:
        # All are settled or others': what the trainer still does is none of their concern.
        if not states:
            return EXIT_SECONDS
        if len(overdue) == len(states):
            return 0.0
        if self.is_stopping() and set(states.values()) == {RunState.STARTING}:
            return 0.0  # it has nothing to save yet, and does not hear while it compiles
        return FOREVER

    def _overdue(self, states: dict[str, RunState]) -> list[Claim]:
        """The runs that were to go, and have not gone in time."""
        now, overdue = monotonic(), []
        for claim in self.claims:
            grace = _GRACE_SECONDS.get(states.get(claim.run_id, RunState.RUNNING))
            if grace is None:
                self._asked.pop(claim.run_id, None)
            # Since we saw it, by our own clock, and not since it was asked: a look may come late.
            elif now - self._asked.setdefault(claim.run_id, now) >= grace:
                overdue.append(claim)
        return overdue

    def _let_go(self, session: Session, overdue: Sequence[Claim]) -> None:
        """Ends runs over the head of a trainer that does not hear, and trains others on."""
        # The states above were read unlocked: the trainer may have ended a run since, and then it
        # is not found.
        for run in claims.hold_runs(session, overdue):
            attempts.lose(session, run, "Its trainer did not let it go in time.")
