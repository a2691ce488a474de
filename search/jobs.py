"""The search worker's jobs: "search.index" follows events in batches, "search.reconcile" mends what is missing.

Payloads hold ids only; the rows are read when the job runs, so a job may run twice or late.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from core.jobs import Registry, RetryLater, Work, renew
from search.engine import SearchUnavailable
from search.indexer import Kind
from search.loading import public_ids_of
from search.service import SearchService

QUEUE = "search"
INDEX, RECONCILE = "search.index", "search.reconcile"
SOON = timedelta(seconds=5)


def register(registry: Registry, service: SearchService) -> None:
    """Add the handlers; they belong to the one worker that runs the queue "search"."""
    registry.add_batch(INDEX, lambda works: index(service, works), QUEUE)
    registry.add(RECONCILE, lambda work: reconcile(service, work), QUEUE)


def index(service: SearchService, works: list[Work]) -> None:
    """Bring the cases of these events up to date, and every reply of theirs.

    Raises RetryLater while another writes or the index can't be written: what it lacks is written when it can; and
    LeaseLost when a rebuild took so long that another worker has the jobs.
    """
    case_ids = list(dict.fromkeys(int(work.payload["case"]) for work in works))
    with works[0].db.read() as session:
        public_ids = public_ids_of(session, case_ids)
    batch: list[tuple[Kind, str]] = [("case", str(case_id)) for case_id in case_ids]
    batch += [("reply", public_id) for public_id in public_ids]
    with _later():
        service.apply(batch, lambda done: renew(works))


def reconcile(service: SearchService, work: Work) -> None:
    """Mend whatever differs between index and database. Raises RetryLater while another writes or it can't be."""
    with _later():
        service.reconcile(lambda done: work.renew())


@contextmanager
def _later() -> Iterator[None]:
    """An index that can't be written now (another writer, its folder deleted, a full disk) buries no job."""
    try:
        yield
    except SearchUnavailable as error:
        raise RetryLater(error.code, SOON) from error
    except OSError as error:
        raise RetryLater("search_disk", SOON) from error
