"""What a search engine must do. Engines index ready-made tokens; they know no Chinese, permissions or database.

An engine holds separate indexes, "replies" (public) and "cases" (internal); each is a SearchIndex.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from core.errors import HubError

REPLIES = "replies"
CASES = "cases"
KEYWORDS = ("category1", "category2", "organisation", "area", "year", "state", "number")
MAX_WINDOW = 10_000
"""Pages end here: an engine does not rank deeper (Elasticsearch's own limit too)."""


class SearchUnavailable(HubError):
    """No index can be asked just now; submitting and handling are not touched by it."""

    code = "search_unavailable"
    message = "检索服务暂时不可用，请稍后再试；提交和办理不受影响。"
    status = 503


class IndexLost(SearchUnavailable):
    """The index that was written to is gone (deleted, damaged or of an older make): rebuild it from the database."""

    code = "search_index_lost"


class WriterBusy(SearchUnavailable):
    """Another process is writing this index; try again later."""

    code = "search_writer_busy"
    message = "检索索引正在由另一个进程写入，请稍后再试。"


@dataclass(frozen=True)
class IndexedDocument:
    """A document as an engine takes it.

    `tokens` is text to be split at blanks, `sounds` the homophone entries, `keywords` exact values by name (one of
    KEYWORDS), `day` the days since 1970-01-01 by which "newest" sorts, `version` rises with each change of the row.
    """

    id: str
    version: int
    tokens: str
    sounds: tuple[str, ...] = ()
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    day: int = 0


@dataclass(frozen=True)
class Terms:
    """A weighted bag of tokens, and how many different ones a document must have at least; empty matches everything."""

    weights: Mapping[str, float]
    at_least: int = 1


@dataclass(frozen=True)
class Page:
    """A page of results: `number` counts from 1; both are brought into range rather than refused."""

    number: int = 1
    size: int = 20

    @property
    def limit(self) -> int:
        return min(max(self.size, 1), 200)

    @property
    def offset(self) -> int:
        return min((max(self.number, 1) - 1) * self.limit, MAX_WINDOW - self.limit)


@dataclass(frozen=True)
class Hit:
    """One result: the document's id and its BM25 score."""

    id: str
    score: float


@dataclass(frozen=True)
class Hits:
    """One page of results, the number of all, and counts by facet and value over all."""

    total: int
    items: tuple[Hit, ...]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


Filters = Mapping[str, Sequence[str]]
"""Keyword name -> allowed values; an empty sequence allows nothing. Unknown names raise ValueError."""


class Reader(Protocol):
    """Asks one index; safe to share between threads; sees what was committed about a second ago."""

    def search(
        self, terms: Terms, filters: Filters, page: Page, *, facets: Sequence[str] = (), newest: bool = False
    ) -> Hits:
        """The best documents, ties by id. Raises SearchUnavailable."""

    def count(self, tokens: Sequence[str]) -> int:
        """How many documents hold all these tokens."""

    def frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """How many documents hold each of these tokens."""

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """Words with this toneless pinyin and how many documents hold each."""

    def holding(self, ids: Sequence[str], tokens: Sequence[str]) -> dict[str, set[str]]:
        """For each of these documents, which of the tokens it holds."""

    def ids(self) -> dict[str, int]:
        """Every document's id and version, for reconciliation."""

    def size(self) -> int:
        """How many documents there are."""

    def refresh(self) -> None:
        """See the latest commit now."""


class Writer(Protocol):
    """Writes one index. Nothing is seen before commit. An older version never replaces a newer one."""

    def put(self, document: IndexedDocument) -> None:
        """Add or replace. Raises IndexLost."""

    def delete(self, id: str) -> None:
        """Remove; an absent document is no error. Raises IndexLost."""

    def commit(self) -> None:
        """Make all since the last commit visible. Raises IndexLost: rebuild, then apply again."""

    def close(self) -> None:
        """Let go of the index; uncommitted changes are dropped."""


class SearchIndex(Protocol):
    """One index of an engine."""

    name: str

    def open_reader(self) -> Reader:
        """A reader, also while no index exists yet: then its searches raise SearchUnavailable."""

    def writer(self) -> AbstractContextManager[Writer]:
        """The one writer. Raises IndexLost where there is no index, WriterBusy where another has it."""

    def rebuild(self, documents: Iterable[IndexedDocument]) -> int:
        """Fill a new index and swap it in while the old one answers; gives the count. Raises WriterBusy."""


class SearchEngine(Protocol):
    """An engine with its two indexes."""

    name: str
    replies: SearchIndex
    cases: SearchIndex

    def health(self) -> list[str]:
        """What is wrong, as codes for /readyz; empty when all is well."""
