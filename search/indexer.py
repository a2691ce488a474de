"""What the search worker does: applies batches of ids, rebuilds, reconciles. The queue and the loaders are passed in.

A job carries an id only; the row is read when the job runs, so that the index follows the database whatever the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from core.logging import get_logger
from search.engine import IndexedDocument, SearchEngine, SearchIndex

Kind = Literal["reply", "case"]
Progress = Callable[[int], None]
_log = get_logger(__name__)


class Indexable(Protocol):
    """A document: ReplyDocument or CaseDocument."""

    def indexed(self) -> IndexedDocument: ...


Load = Callable[[str], Indexable | None]


@dataclass(frozen=True)
class Difference:
    """What reconciliation found in one index: ids that are missing, surplus, or there in an older version."""

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids to apply again."""
        return (*self.missing, *self.surplus, *self.stale)


class Indexer:
    """Writes the indexes of one engine. `load_reply` and `load_case` give the document of an id, or None where it is
    absent, withdrawn or not yet allowed in: then it is removed from the index."""

    def __init__(self, engine: SearchEngine, load_reply: Load, load_case: Load) -> None:
        self._indexes: dict[Kind, tuple[SearchIndex, Load]] = {
            "reply": (engine.replies, load_reply),
            "case": (engine.cases, load_case),
        }

    def apply(self, batch: Iterable[tuple[Kind, str]]) -> int:
        """Bring these ids up to date, one commit an index; gives how many. Repeats are done once.

        Raises IndexLost (rebuild; that covers the batch) and WriterBusy (again later); nothing counts as done then.
        """
        by_kind: dict[Kind, dict[str, None]] = {}
        for kind, id in batch:
            by_kind.setdefault(kind, {})[id] = None
        for kind, ids in by_kind.items():
            self._apply_one(kind, list(ids))
        return sum(map(len, by_kind.values()))

    def _apply_one(self, kind: Kind, ids: list[str]) -> None:
        index, load = self._indexes[kind]
        with index.writer() as writer:
            for id in ids:
                document = load(id)
                if document is None:
                    writer.delete(id)
                else:
                    writer.put(document.indexed())
            writer.commit()

    def rebuild(self, kind: Kind, documents: Iterable[Indexable], progress: Progress | None = None) -> int:
        """Fill a new index from the database and swap it in; searches go on meanwhile. Gives the count.

        `progress` is called with the number done, each 500 and at the end. Raises WriterBusy.
        """
        index, _ = self._indexes[kind]
        count = index.rebuild(_counted(documents, progress))
        _log.info("search_index_rebuilt", index=index.name, documents=count)
        return count

    def reconcile(self, kind: Kind, versions: Mapping[str, int]) -> Difference:
        """Compare the index with the database's `versions` (id -> version). Raises SearchUnavailable."""
        index, _ = self._indexes[kind]
        reader = index.open_reader()
        reader.refresh()
        held = reader.ids()
        return Difference(
            missing=tuple(sorted(versions.keys() - held.keys())),
            surplus=tuple(sorted(held.keys() - versions.keys())),
            stale=tuple(sorted(id for id, version in versions.items() if id in held and held[id] < version)),
        )


def _counted(documents: Iterable[Indexable], progress: Progress | None) -> Iterator[IndexedDocument]:
    count = 0
    for document in documents:
        yield document.indexed()
        count += 1
        if progress and count % 500 == 0:
            progress(count)
    if progress:
        progress(count)
