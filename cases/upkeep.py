"""What a night owes the cases: the last event of each anchored, and files that nothing names removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from cases import history
from cases.models import Attachment
from core import jobs
from core.clock import to_local
from core.database import Database
from core.files import FileStore
from core.logging import get_logger

log = get_logger(__name__)

ANCHOR, PURGE_FILES = "cases.anchor", "cases.purge_files"
LEFT_AFTER = timedelta(hours=48)  # a form or draft whose files nothing names for so long was given up
_CHUNK = 500


def anchor_all(db: Database, day: date, renew: Callable[[], object] = lambda: None, chunk: int = _CHUNK) -> int:
    """Anchor the last event of every case that has events after its last anchor, however old; gives how many.

    Reads and writes by turns, so that no write session is long; `renew` is called after each chunk.
    """
    made, after = 0, 0
    while True:
        with db.read() as session:
            case_ids = history.unanchored(session, day, after, chunk)
        if not case_ids:
            return made
        with db.write() as session:
            made += history.anchor(session, day, case_ids)
        after = case_ids[-1]
        renew()


def purge_files(db: Database, files: FileStore, before: datetime, renew: Callable[[], object] = lambda: None) -> int:
    """Remove the files written before a moment that no attachment names; gives how many.

    They are those of forms that were never sent and those taken out of drafts. `renew` is called after each chunk.
    """
    old = [key for key, written_at in files.stored() if written_at < before]
    removed = 0
    for place in range(0, len(old), _CHUNK):
        left = _unnamed(db, old[place : place + _CHUNK])
        for key in left:
            files.delete(key)
        removed += len(left)
        renew()
    if removed:
        log.info("files_purged", files=removed)
    return removed


def lost_files(db: Database, files: FileStore) -> Iterator[str]:
    """Each attachment whose file is not in the store, as a sentence."""
    with db.read() as session:
        query = select(Attachment.id, Attachment.key).order_by(Attachment.id)
        for row_id, key in session.execute(query.execution_options(yield_per=_CHUNK)):
            if not files.holds(key):
                yield f"attachment {row_id}: its file {key} is missing"


def register(registry: jobs.Registry, files: FileStore) -> None:
    """Add the daily jobs of this room."""
    registry.add(ANCHOR, _anchor)
    registry.add(PURGE_FILES, lambda work: _purge(work, files))


def _unnamed(db: Database, keys: Sequence[str]) -> list[str]:
    with db.read() as session:
        named = set(session.scalars(select(Attachment.key).where(Attachment.key.in_(keys))))
    return [key for key in keys if key not in named]


def _anchor(work: jobs.Work) -> None:
    anchor_all(work.db, to_local(work.clock.now()).date(), work.renew)


def _purge(work: jobs.Work, files: FileStore) -> None:
    purge_files(work.db, files, work.clock.now() - LEFT_AFTER, work.renew)
