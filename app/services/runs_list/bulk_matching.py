"""One action on all runs that match a filter, however many: a part of them after the other."""

from collections.abc import Sequence

from app.errors import Conflict
from app.schemas.api.bulk import BulkAct, BulkItem, BulkRequest, BulkResult
from app.schemas.api.limits import MOST_RUNS
from app.services.runs import bulk
from app.services.runs.deletion import Disposal
from app.services.runs.outbox import Transactions
from app.services.runs_list.listing import Filter, matching_ids

PART = 100  # runs of one transaction: others who want them wait for no longer


def act_on_matching(
    begin: Transactions, wanted: Filter, act: BulkAct, how: Disposal, *, at_most: int | None
) -> BulkResult:
    """Does it to every run that matches now; says of those that were refused why.

    `at_most`: with more, nothing is done and `Conflict` raised. What was done to earlier parts
    stays when a later one fails; asked for again, it goes on there.
    """
    with begin() as session:
        found = matching_ids(session, wanted)
    if at_most is not None and len(found) > at_most:
        raise Conflict(f"{len(found)} runs match by now, more than {at_most}; look at them again.")
    ids = sorted(found)
    results = []
    for at in range(0, len(ids), PART):
        request = BulkRequest(runs=ids[at : at + PART], **act.model_dump())
        with begin() as session:
            results.append(bulk.act(session, request, how))
    return _summed(results)


def _summed(results: Sequence[BulkResult]) -> BulkResult:
    refused: list[BulkItem] = []
    for result in results:
        refused += [item for item in result.results if item.result == "refused"]
    return BulkResult(
        changed=sum(one.changed for one in results),
        unchanged=sum(one.unchanged for one in results),
        refused=len(refused),
        results=refused[:MOST_RUNS],
        deleted=[run_id for one in results for run_id in one.deleted],
    )
