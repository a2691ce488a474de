"""Search as the other rooms use it: the engine of this hub, its readers, what a page shows, and the index's upkeep.

Readers live in every process; only the search worker calls what writes. Permission is in the query and is checked again
on loading from the database.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Case, CaseExclusion, Submission, SubmissionCase
from core import ids
from core.config import Settings, SettingsError
from core.database import Database
from core.logging import get_logger
from organisations.models import Organisation
from organisations.people import Actor
from search import loading
from search.engine import Filters, IndexLost, Page, Reader, SearchEngine, SearchUnavailable
from search.highlight import Span, excerpt, highlight
from search.indexer import Indexer, Kind, Progress
from search.loading import Reply
from search.query import FACETS, LONGEST, Results, search_replies, terms_of
from search.similar import similar_replies
from search.tantivy_engine import TantivyEngine
from search.tokens import fold

_log = get_logger(__name__)
KINDS: tuple[Kind, Kind] = ("reply", "case")
CASE_WIDE = ("case.review", "case.supervise", "call.register")


@dataclass(frozen=True)
class Shown:
    """A reply in a list: where the query's words stand in its title and in `snippet`."""

    reply: Reply
    title_spans: Sequence[Span] = ()
    snippet: str = ""
    snippet_spans: Sequence[Span] = ()


@dataclass(frozen=True)
class Facet:
    """One value that results can be narrowed to, its label and its count."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Found:
    """One page of published replies; see search.query.Results for `suggestion` and `answered`."""

    query: str
    total: int
    items: tuple[Shown, ...]
    facets: Mapping[str, tuple[Facet, ...]] = field(default_factory=dict)
    suggestion: str = ""
    answered: bool = False


@dataclass(frozen=True)
class FoundCases:
    """One page of cases that this person may see. `total` is None where it would tell of one that is kept from them."""

    total: int | None
    items: tuple[Case, ...]


def engine_of(settings: Settings) -> SearchEngine:
    """The engine that the settings ask for. Raises SettingsError for one that this hub has not."""
    if settings.search_url:
        raise SettingsError("Setting HUB_SEARCH_URL: this hub has the embedded engine only; leave it empty.")
    return cast(SearchEngine, TantivyEngine(settings.data_dir / "search"))


_WHOLE = 200  # hits in one reading, when all of them are wanted
_CHUNK = 500  # ids applied at once by reconciliation, one commit each
NARROWED = 1000  # hits that a list may narrow further


class SearchService:
    """Search over one engine and one database."""

    def __init__(self, engine: SearchEngine, db: Database) -> None:
        self.engine, self._db = engine, db
        self.indexer = Indexer(
            engine, functools.partial(loading.load_reply, db), functools.partial(loading.load_case, db)
        )

    @functools.cached_property
    def _replies(self) -> Reader:
        return self.engine.replies.open_reader()

    @functools.cached_property
    def _cases(self) -> Reader:
        return self.engine.cases.open_reader()

    def health(self) -> list[str]:
        """What is wrong, as codes for /readyz; empty when all is well."""
        return self.engine.health()

    # --- published replies --------------------------------------------------------------------------------------------

    def search(
        self,
        typed: str,
        filters: Filters | None = None,
        page: Page | None = None,
        *,
        exact: bool = False,
        newest: bool = False,
    ) -> Found:
        """Published replies for what a person typed; nothing typed gives all, the newest first.

        `filters`: category1, organisation (codes), area, year -> chosen values. Raises SearchUnavailable.
        """
        filters = {name: list(values) for name, values in (filters or {}).items() if values}
        results = search_replies(self._replies, typed, filters, page, exact=exact, newest=newest)
        facets = self._facets(results, typed, filters, exact)
        words = results.suggestion or typed
        with self._db.read() as session:
            rows = loading.replies_by_id(session, [hit.id for hit in results.items])
            labelled = _labelled(session, facets)
        shown = tuple(_shown(rows[hit.id], words) for hit in results.items if hit.id in rows)
        return Found(typed, results.total, shown, labelled, results.suggestion, results.answered)

    def _facets(
        self, results: Results, typed: str, filters: Mapping[str, Sequence[str]], exact: bool
    ) -> dict[str, Mapping[str, int]]:
        """Counts by value; those of a facet that is narrowed are counted as if it were not, so that one may widen."""
        counts = dict(results.facets)
        for name in FACETS:
            if name in filters:
                others = {other: values for other, values in filters.items() if other != name}
                found = search_replies(self._replies, typed, others, Page(size=1), exact=exact)
                counts[name] = found.facets.get(name, {})
        return counts

    def similar(self, title: str, body: str, *, limit: int = 3, leave_out: Sequence[str] = ()) -> list[Shown]:
        """At most `limit` published replies on the same matter as a text. Raises SearchUnavailable."""
        hits = similar_replies(self._replies, title, body, limit=limit, leave_out=leave_out)
        with self._db.read() as session:
            rows = loading.replies_by_id(session, [hit.id for hit in hits])
        return [_shown(rows[hit.id], title) for hit in hits if hit.id in rows]

    # --- cases, for staff ---------------------------------------------------------------------------------------------

    def case_ids(self, actor: Actor, typed: str, most: int = NARROWED) -> tuple[list[int], bool]:
        """The best cases for what was typed, and whether there are more: for a list that narrows them further.

        The list has to check who may see what. Raises SearchUnavailable.
        """
        number = ids.clean_number(typed[:LONGEST])
        if number is not None:
            return [case.id for case in self._by_number(actor, number).items], False
        terms = terms_of(fold(typed[:LONGEST]), 0.5)
        if typed.strip() and not terms.weights:
            return [], False
        keys = permission_keys(actor)
        chosen = {} if keys is None else {"organisation": keys}
        found: list[int] = []
        for place in range(1, -(-most // _WHOLE) + 1):
            hits = self._cases.search(terms, chosen, Page(place, _WHOLE))
            found += [int(hit.id) for hit in hits.items]
            if place * _WHOLE >= hits.total:
                return found, False
        return found, True

    def search_cases(
        self, actor: Actor, typed: str, filters: Filters | None = None, page: Page | None = None
    ) -> FoundCases:
        """Cases for what a member of staff typed: a complete number, or words. Raises SearchUnavailable."""
        number = ids.clean_number(typed[:LONGEST])
        if number is not None:
            return self._by_number(actor, number)
        chosen = {name: list(values) for name, values in (filters or {}).items() if values}
        keys = permission_keys(actor)
        if keys is not None:
            chosen["organisation"] = keys
        terms = terms_of(fold(typed[:LONGEST]), 0.5)
        if typed.strip() and not terms.weights:
            return FoundCases(0, ())
        hits = self._cases.search(terms, chosen, page or Page())
        wanted = [int(hit.id) for hit in hits.items]
        with self._db.read() as session:
            query = select(Case).where(Case.id.in_(wanted), visibility.visible(actor), loading.indexable())
            rows = {case.id: case for case in session.scalars(query)}
            kept_away = _kept_away(session, actor)
        shown = tuple(rows[case_id] for case_id in wanted if case_id in rows)
        return FoundCases(None if kept_away else hits.total, shown)

    def _by_number(self, actor: Actor, number: str) -> FoundCases:
        joined = (
            select(SubmissionCase.case_id)
            .join(Submission, Submission.id == SubmissionCase.submission_id)
            .where(Submission.number == number, SubmissionCase.until.is_(None))
        )
        query = select(Case).where(or_(Case.number == number, Case.id.in_(joined)), visibility.visible(actor))
        with self._db.read() as session:
            rows = tuple(session.scalars(query.order_by(Case.received_at, Case.id).limit(20)))
        return FoundCases(len(rows), rows)

    # --- upkeep, by the search worker ---------------------------------------------------------------------------------

    def rebuild(self, kind: Kind, progress: Progress | None = None) -> int:
        """Fill a new index from the database and swap it in; gives the count. Raises WriterBusy."""
        documents = loading.every_reply(self._db) if kind == "reply" else loading.every_case(self._db)
        return self.indexer.rebuild(kind, documents, progress)

    def apply(self, batch: Sequence[tuple[Kind, str]], progress: Progress | None = None) -> None:
        """Bring these ids up to date; an index that is gone or was never made is rebuilt. Raises WriterBusy.

        `progress` is called by a rebuild (see there).
        """
        for kind in KINDS:
            chosen = [(kind, id) for each, id in batch if each == kind]
            if not chosen:
                continue
            try:
                self.indexer.apply(chosen)
            except IndexLost:
                _log.warning("search_index_lost", index=kind)
                self.rebuild(kind, progress)

    def ensure(self) -> None:
        """Make the indexes that are not there yet. Raises WriterBusy."""
        for kind, index in zip(KINDS, (self.engine.replies, self.engine.cases), strict=True):
            try:
                index.open_reader().size()
            except SearchUnavailable:
                self.rebuild(kind)

    def reconcile(self, progress: Progress | None = None) -> int:
        """Compare both indexes with the database and mend what differs; gives how many ids. Raises WriterBusy.

        `progress` is called with the number done of an index, each 500 of them.
        """
        mended = 0
        for kind in KINDS:
            versions = loading.reply_versions(self._db) if kind == "reply" else loading.case_versions(self._db)
            try:
                different = self.indexer.reconcile(kind, versions).ids
            except SearchUnavailable:
                mended += self.rebuild(kind, progress)
                continue
            for place in range(0, len(different), _CHUNK):
                self.apply([(kind, id) for id in different[place : place + _CHUNK]], progress)
                if progress:
                    progress(min(place + _CHUNK, len(different)))
            mended += len(different)
        if mended:
            _log.warning("search_index_mended", documents=mended)
        return mended


def permission_keys(actor: Actor) -> list[str] | None:
    """Which entries of the index's organisation field this person's query must meet; None: any (the hub itself)."""
    if actor.is_system:
        return None
    keys = []
    if any(actor.can(permission) for permission in CASE_WIDE):
        regions = [f"@area{path.rstrip('/').rpartition('/')[2]}" for path in actor.area_paths]
        keys += [*regions, loading.NO_AREA] if regions else [loading.CITY]
    if actor.can("case.read"):
        keys += [loading.organisation_key(one) for one in actor.organisation_ids]
    return keys


def _kept_away(session: Session, actor: Actor) -> bool:
    """Whether any case is kept from this person: a total from the index would count it."""
    query = select(CaseExclusion.id).where(
        CaseExclusion.until.is_(None),
        or_(
            CaseExclusion.account_id == actor.account_id,
            CaseExclusion.organisation_id.in_(actor.organisation_ids),
        ),
    )
    return session.scalar(query.limit(1)) is not None


def _shown(reply: Reply, words: str) -> Shown:
    found = excerpt(reply.reply, words)
    if not found[1]:
        asked = excerpt(reply.question, words)
        found = asked if asked[1] else found
    text, spans = found
    before = "……" if text and not (reply.reply.startswith(text) or reply.question.startswith(text)) else ""
    after = "……" if text and not (reply.reply.endswith(text) or reply.question.endswith(text)) else ""
    moved = [(start + len(before), end + len(before)) for start, end in spans]
    return Shown(reply, highlight(reply.title, words), before + text + after, moved)


def _labelled(session: Session, counts: Mapping[str, Mapping[str, int]]) -> dict[str, tuple[Facet, ...]]:
    codes = list(counts.get("organisation", {}))
    query = select(Organisation.code, Organisation.name).where(Organisation.code.in_(codes))
    names = cast(dict[str, str], dict(session.execute(query).tuples().all())) if codes else {}
    labelled = {}
    for name, values in counts.items():
        facets = [Facet(value, names.get(value, value), count) for value, count in values.items() if value]
        by_year = name == "year"
        facets.sort(key=lambda facet: (facet.value if by_year else facet.count, facet.label), reverse=by_year)
        if not by_year:
            facets.sort(key=lambda facet: (-facet.count, facet.label))
        labelled[name] = tuple(facets)
    return labelled


__all__ = ["Facet", "Found", "FoundCases", "Reply", "SearchService", "Shown", "engine_of"]
