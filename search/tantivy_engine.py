"""The embedded engine: tantivy in a folder.

An index is a numbered folder beside a pointer file that names it. Readers look at the pointer at most once a second; a
rebuild fills a new folder, swaps the pointer and drops the old one, which open readers go on answering from. One writer
at a time, kept by a file lock that a killed process lets go of.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tantivy
from tantivy import Index, Occur, Query, Searcher

from core.logging import get_logger
from search.engine import (
    CASES,
    REPLIES,
    Filters,
    Hit,
    Hits,
    IndexedDocument,
    IndexLost,
    Page,
    SearchUnavailable,
    Terms,
    WriterBusy,
)
from search.tantivy_format import FORMAT, SCHEMA, count_of, document_of, facets_of, keyword, open_folder, query_of, term

HEAP = 48_000_000
LOOK_EVERY = 1.0
KEPT_COUNTS = 256
Counts = dict[str, dict[str, int]]
_log = get_logger(__name__)


class TantivyReader:
    """Asks one index folder and follows the pointer; see search.engine.Reader."""

    def __init__(self, home: TantivyIndex) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._name = ""
        self._index: Index | None = None
        self._looked = float("-inf")
        self._stamp = 0
        self._counts: dict[object, Counts] = {}  # facets by query, of the present commit only

    def refresh(self) -> None:
        """Look at the pointer and the latest commit now."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        name = self._home.current()
        try:
            self._forget(name)
            if name and name != self._name:
                opened = open_folder(self._home.root / name)
                opened.reload()
                self._index, self._name = opened, name
            elif name and self._index is not None:
                self._index.reload()
        except (ValueError, OSError):
            # The folder went away under us: the open index goes on answering until the pointer names a new one.
            _log.warning("search_index_unreadable", index=self._home.name)

    def _forget(self, name: str) -> None:
        """Drop the counts that were kept where there is a new commit. Looked at before loading: never too late."""
        stamp = (self._home.root / name / "meta.json").stat().st_mtime_ns if name else 0
        if (stamp, name) != (self._stamp, self._name):
            self._stamp, self._counts = stamp, {}

    def _searcher(self) -> Searcher:
        return self._present()[0]

    def _present(self) -> tuple[Searcher, dict[object, Counts]]:
        """A searcher, and the counts that were kept of the same commit."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_EVERY or self._index is None:
                self._look()
            if self._index is None:
                raise SearchUnavailable()
            return self._index.searcher(), self._counts

    def search(
        self, terms: Terms, filters: Filters, page: Page, *, facets: Sequence[str] = (), newest: bool = False
    ) -> Hits:
        """See search.engine.Reader.search."""
        searcher = self._searcher()
        query = query_of(terms, filters)
        end = page.offset + page.limit
        if newest or not terms.weights:
            found = searcher.search(query, end, order_by_field="day")
        else:
            found = searcher.search(query, end)
        # Everything up to the page's end is put in order here, so that equal scores stand by id as in any engine.
        hits = [Hit(searcher.doc(address)["id"][0], float(score)) for score, address in found.hits]
        hits.sort(key=lambda hit: (-round(hit.score, 5), hit.id))
        return Hits(count_of(found), tuple(hits[page.offset :]), self._facets(terms, filters, facets))

    def _facets(self, terms: Terms, filters: Filters, names: Sequence[str]) -> Counts:
        """Counts by facet, kept until the next commit: they run over all results, whatever page is shown."""
        if not names:
            return {}
        searcher, kept = self._present()
        chosen = tuple(sorted((name, tuple(values)) for name, values in filters.items()))
        key = (tuple(sorted(terms.weights.items())), terms.at_least, chosen, tuple(names))
        if key not in kept:
            if len(kept) >= KEPT_COUNTS:
                kept.clear()
            kept[key] = facets_of(searcher, query_of(terms, filters), names)
        return kept[key]

    def count(self, tokens: Sequence[str]) -> int:
        """See search.engine.Reader.count."""
        searcher = self._searcher()
        query = Query.boolean_query([(Occur.Must, term(token)) for token in tokens])
        return count_of(searcher.search(query, 1))

    def frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """See search.engine.Reader.frequencies; documents deleted since the last merge still count."""
        searcher = self._searcher()
        return {token: searcher.doc_freq("tokens", token) for token in tokens}

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """See search.engine.Reader.homophones."""
        entries = self._searcher().terms_with_prefix("sounds", sound + "|")
        return [(entry.partition("|")[2], count) for entry, count in entries]

    def holding(self, ids: Sequence[str], tokens: Sequence[str]) -> dict[str, set[str]]:
        """See search.engine.Reader.holding."""
        held: dict[str, set[str]] = {id: set() for id in ids}
        if not ids:
            return held
        searcher = self._searcher()
        among = Query.term_set_query(SCHEMA, "id", list(ids))
        for token in dict.fromkeys(tokens):
            query = Query.boolean_query([(Occur.Must, term(token)), (Occur.Must, among)])
            for _, address in searcher.search(query, len(ids), count=False).hits:
                held[searcher.doc(address)["id"][0]].add(token)
        return held

    def ids(self) -> dict[str, int]:
        """See search.engine.Reader.ids."""
        searcher = self._searcher()
        found = searcher.search(Query.all_query(), max(searcher.num_docs, 1), count=False)
        documents = (searcher.doc(address) for _, address in found.hits)
        return {document["id"][0]: document["version"][0] for document in documents}

    def size(self) -> int:
        """See search.engine.Reader.size."""
        return self._searcher().num_docs


class TantivyWriter:
    """Writes one index folder; see search.engine.Writer."""

    def __init__(self, home: TantivyIndex, name: str, *, fresh: bool) -> None:
        self._home, self._name, self._fresh = home, name, fresh
        self._versions: dict[str, int] = {}
        try:
            index = open_folder(home.root / name)
            index.reload()
            self._searcher = index.searcher()
            self._index = index
            self._writer: tantivy.IndexWriter | None = index.writer(HEAP, 1)
        except (ValueError, OSError) as error:
            raise (WriterBusy() if "LockBusy" in str(error) else IndexLost()) from error

    def _held_version(self, id: str) -> int | None:
        if id in self._versions:
            return self._versions[id]
        found = self._searcher.search(keyword("id", id), 1, count=False).hits
        return self._searcher.doc(found[0][1])["version"][0] if found else None

    def put(self, document: IndexedDocument) -> None:
        """See search.engine.Writer.put."""
        held = self._held_version(document.id) if not self._fresh else self._versions.get(document.id)
        if held is not None and held > document.version:
            return
        self._versions[document.id] = document.version
        with _lost():
            if held is not None:
                self._open_writer().delete_documents_by_term("id", document.id)
            self._open_writer().add_document(document_of(document))

    def delete(self, id: str) -> None:
        """See search.engine.Writer.delete."""
        self._versions[id] = -1
        with _lost():
            self._open_writer().delete_documents_by_term("id", id)

    def commit(self) -> None:
        """See search.engine.Writer.commit."""
        if not self._fresh and self._home.current() != self._name:
            raise IndexLost()
        with _lost():
            self._open_writer().commit()
            self._index.reload()
        self._searcher = self._index.searcher()
        if not self._fresh:
            self._versions.clear()

    def close(self) -> None:
        """Let segments be merged and let go of the folder's lock; what was not committed is dropped."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.wait_merging_threads()
        except (ValueError, OSError):
            _log.warning("search_index_close_failed", index=self._home.name)

    def finish(self) -> None:
        """Commit and wait for merging, so that a new folder is complete before it is named."""
        with _lost():
            writer = self._open_writer()
            writer.commit()
            writer.wait_merging_threads()
        self._writer = None

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            raise IndexLost()
        return self._writer


@contextmanager
def _lost() -> Iterator[None]:
    """Any failure of tantivy to write means the folder can't be trusted: IndexLost. The disk is our only dependency."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise IndexLost() from error


class TantivyIndex:
    """One index: its folders and the pointer; see search.engine.SearchIndex."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root / name, name

    def current(self) -> str:
        """The folder that the pointer names, "" where there is none of this make."""
        try:
            name = (self.root / "current").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        good = name.startswith(f"v{FORMAT}-") and "/" not in name and (self.root / name / "meta.json").exists()
        return name if good else ""

    def open_reader(self) -> TantivyReader:
        """See search.engine.SearchIndex.open_reader."""
        return TantivyReader(self)

    @contextmanager
    def writer(self) -> Iterator[TantivyWriter]:
        """See search.engine.SearchIndex.writer."""
        with self._locked():
            name = self.current()
            if not name:
                raise IndexLost()
            writer = TantivyWriter(self, name, fresh=False)
            try:
                yield writer
            finally:
                writer.close()

    def rebuild(self, documents: Iterable[IndexedDocument]) -> int:
        """See search.engine.SearchIndex.rebuild."""
        with self._locked():
            name = self._next_name()
            (self.root / name).mkdir(parents=True)
            try:
                count = self._fill(name, documents)
                self._point(name)
            except BaseException:
                shutil.rmtree(self.root / name, ignore_errors=True)
                raise
            self._drop_others(name)
        return count

    def _fill(self, name: str, documents: Iterable[IndexedDocument]) -> int:
        writer = TantivyWriter(self, name, fresh=True)
        try:
            count = 0
            for document in documents:
                writer.put(document)
                count += 1
            writer.finish()
            return count
        finally:
            writer.close()

    def _next_name(self) -> str:
        numbers = [
            int(p.name.rpartition("-")[2]) for p in self.root.glob("v*-*") if p.name.rpartition("-")[2].isdigit()
        ]
        return f"v{FORMAT}-{max(numbers, default=0) + 1:06d}"

    def _point(self, name: str) -> None:
        beside = self.root / "current.new"
        with beside.open("w", encoding="ascii") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.root / "current")

    def _drop_others(self, name: str) -> None:
        for folder in self.root.glob("v*-*"):
            if folder.name != name:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "writer.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise WriterBusy() from error
            yield


class TantivyEngine:
    """The embedded engine over a data folder; see search.engine.SearchEngine."""

    name = "embedded"

    def __init__(self, root: Path) -> None:
        self.replies = TantivyIndex(root, REPLIES)
        self.cases = TantivyIndex(root, CASES)

    def health(self) -> list[str]:
        """See search.engine.SearchEngine.health."""
        return [f"search_{index.name}_missing" for index in (self.replies, self.cases) if not index.current()]
