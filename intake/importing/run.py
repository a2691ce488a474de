"""The import itself: rows in batches, each batch one transaction, so that a killed run goes on where it was."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Self, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.errors import NotNow
from cases.models import Case, PublishedReply, Submission
from cases.operations import classification, merging, publishing, submissions
from cases.operations.importing import first_cases, import_answer
from cases.operations.submissions import NewSubmission, Reporter
from cases.operations.taking import exact_digest
from core.clock import Clock
from core.database import Database
from core.errors import HubError, Invalid
from intake import diversion
from intake.brain import Brain, Thought
from intake.forms import find_area
from intake.importing import columns, tables
from intake.importing.rows import PastPetition, RowRejected, parse
from intake.text import PreparedText, prepare
from organisations import catalogue, places
from organisations.models import Organisation, OrganisationAlias
from organisations.people import SYSTEM, Actor

BATCH = 200
Progress = Callable[[int], None]


@dataclass
class Report:
    """What came of a file: rows read, taken in now, known from before, rejected; of those taken in, the rest."""

    rows: int = 0
    taken: int = 0
    known: int = 0
    rejected: int = 0
    answered: int = 0
    copies: int = 0
    proposed: int = 0
    accusations: int = 0
    released: int = 0
    kept_back: int = 0
    rejected_file: Path | None = None


@dataclass(frozen=True)
class Plan:
    """How a file is taken in. `source` keys its rows; `consent`: its answers were public, so they may be proposed."""

    path: Path
    source: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    track: str = "hotline"
    consent: bool = True


@dataclass(frozen=True)
class _Ready:
    """A row with everything that is worked out before the write session."""

    past: PastPetition
    text: PreparedText
    thought: Thought
    area_id: int | None
    organisation_id: int | None
    fit: diversion.Fit | None
    exact: str


def run(db: Database, clock: Clock, brain: Brain, plan: Plan, progress: Progress = lambda rows: None) -> Report:
    """Take in a file of past petitions; again, or after a kill, only what is not there yet.

    Rejected rows of this run go to `<file>.rejected.csv` beside it, each with its reason. `progress` hears of the rows
    of every batch.
    Raises Invalid for a file or a header that can't be read.
    """
    lines = tables.lines(plan.path)
    header = next(lines, None)
    if header is None or header.fault:
        raise Invalid({"file": "文件是空的，或第一行不是表头。"})
    found = columns.recognise(header.cells, plan.mapping)
    report = Report()
    with db.read() as session:
        surroundings = _Surroundings(session, clock.now())
    with RejectedRows(plan.path.with_name(plan.path.name + ".rejected.csv")) as rejected:
        for batch in _batches(lines):
            report.rows += len(batch)
            good = list(_parsed(batch, found, clock.now(), rejected))
            fresh = _unknown(db, plan, good, report)
            with db.read() as session:
                ready = _prepared(session, fresh, brain, surroundings)
            with db.write() as session:
                session.info["quiet"] = True
                earlier = dict(first_cases(session, {one.exact for one in ready}))
                for one in ready:
                    _take_in(session, clock.now(), plan, one, surroundings, earlier, report)
            progress(len(batch))
        report.rejected = rejected.count
        report.rejected_file = rejected.path if rejected.count else None
    return report


def release(
    db: Database, clock: Clock, plan: Plan, releaser: Actor, confirmer: Actor, report: Report, progress: Progress
) -> None:
    """Publish the proposals of a source in which nothing had to be masked; the rest wait in the release queue.

    Two persons stand for it: `confirmer` is kept as the one who proposed, `releaser` as the one who released. Raises
    Invalid when they are one, Forbidden when one of them may not.
    """
    if releaser.account_id == confirmer.account_id:
        raise Invalid({"confirmed_by": "发布人和确认人必须是两个人。"})
    confirmer.require("reply.propose")
    releaser.require("reply.release")
    after = 0
    while rows := _proposed(db, plan, after):
        after = rows[-1]
        with db.write() as session:
            for published_id in rows:
                _release_one(session, clock.now(), published_id, releaser, confirmer, report)
        progress(len(rows))


# --- reading ----------------------------------------------------------------------------------------------------------


def _batches(lines: Iterator[tables.Line]) -> Iterator[list[tables.Line]]:
    while batch := list(islice(lines, BATCH)):
        yield batch


def _parsed(
    batch: Iterable[tables.Line], found: Mapping[str, int], now: datetime, rejected: RejectedRows
) -> Iterator[PastPetition]:
    for line in batch:
        try:
            if line.fault:
                raise RowRejected(line.fault)
            yield parse(line.cells, found, now)
        except RowRejected as reason:
            rejected.add(line, str(reason))


def _unknown(db: Database, plan: Plan, good: Sequence[PastPetition], report: Report) -> list[PastPetition]:
    """The rows that no earlier run took in; a key that stands twice in the file is taken once."""
    by_key = {past.key: past for past in good}
    with db.read() as session:
        query = select(Submission.origin_key).where(Submission.origin == _origin(plan))
        known = set(session.scalars(query.where(Submission.origin_key.in_(by_key))))
    report.known += len(known) + len(good) - len(by_key)
    return [past for key, past in by_key.items() if key not in known]


class _Surroundings:
    """What many rows ask for alike: places, names of offices, the catalogue's answer for a category in an area."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.index, self.offices = places.index_of(session, now), _offices(session)
        version = catalogue.in_force(session)
        self.catalogue_version_id = version.id if version else None
        self._fits: dict[tuple[tuple[str, str, str], int | None], diversion.Fit | None] = {}

    def fit(self, session: Session, thought: Thought, area_id: int | None) -> diversion.Fit | None:
        """Who would have it."""
        key = (thought.suggestion.category, area_id)
        if key not in self._fits:
            self._fits[key] = diversion.find_fit(session, thought.suggestion, area_id)
        return self._fits[key]


def _prepared(
    session: Session, fresh: Sequence[PastPetition], brain: Brain, surroundings: _Surroundings
) -> list[_Ready]:
    texts = [prepare(past.title, past.body, past.place or past.area) for past in fresh]
    thoughts = brain.think_many([(text.title_masked, text.body_masked) for text in texts])
    ready = []
    for past, text, thought in zip(fresh, texts, thoughts, strict=True):
        area_id = find_area(surroundings.index, text)
        office_id = surroundings.offices.get(past.office)
        fit = surroundings.fit(session, thought, area_id)
        ready.append(_Ready(past, text, thought, area_id, office_id, fit, exact_digest(text.title, text.body)))
    return ready


def _offices(session: Session) -> dict[str, int]:
    """Every name that an organisation goes by."""
    query = select(OrganisationAlias.name, OrganisationAlias.organisation_id).where(OrganisationAlias.kind == "alias")
    known = dict(session.execute(query).tuples().all())
    for row in session.execute(select(Organisation.id, Organisation.name, Organisation.short_name)):
        known |= {row.short_name: row.id, row.name: row.id}
    return known


# --- taking in --------------------------------------------------------------------------------------------------------


def _take_in(
    session: Session,
    now: datetime,
    plan: Plan,
    one: _Ready,
    surroundings: _Surroundings,
    earlier: dict[str, int],
    report: Report,
) -> None:
    """One row in this write session. `earlier`: the first case of each text that is known, added to as rows come."""
    past, text = one.past, one.text
    new = NewSubmission(
        origin=_origin(plan), origin_key=past.key, channel="import", title=text.title, body=text.body,
        title_masked=text.title_masked, body_masked=text.body_masked, offsets=text.offsets,
        received_at=past.received_at, reporter=Reporter(name=past.name, phone=past.phone), track=plan.track,
        consent_publish=plan.consent, place=text.place, place_masked=text.place_masked, area_id=one.area_id,
        claimed_level1=past.category[:40] or None, extra={"user": past.user} if past.user else {},
        form_version="import", imported_at=now,
    )  # fmt: skip
    submitted = submissions.submit(session, SYSTEM, past.received_at, new)
    if submitted.repeated:
        report.known += 1
        return
    report.taken += 1
    case = submitted.case
    _classify(session, one, case, surroundings.catalogue_version_id)
    report.accusations += case.accusation != "no"
    first = earlier.setdefault(one.exact, case.id)
    if first != case.id:
        report.copies += _propose_copy(session, past.received_at, case.id, first)
    if past.reply:
        _close(session, now, one, case, report)


def _classify(session: Session, one: _Ready, case: Case, catalogue_version_id: int | None) -> None:
    """Keep what the classifier says, and who would have it; nothing of the past is dispatched by itself."""
    said = one.thought.suggestion
    level1, level2, level3 = said.category
    suggestion = classification.Suggestion(
        level1=level1 or "", level2=level2 or "", level3=level3 or "", nature=said.nature, urgent=said.urgent,
        sensitive=said.sensitive, accusation=said.against_office, confidence=said.confidence,
        organisation_id=one.fit.lead_id if one.fit else None, reasons=("imported",), evidence=tuple(said.evidence),
        alternatives=tuple(said.alternatives), model_version=said.version,
        catalogue_version_id=catalogue_version_id,
    )  # fmt: skip
    classification.record(session, one.past.received_at, case.id, suggestion)


def _propose_copy(session: Session, at: datetime, case_id: int, copy_of_id: int) -> int:
    try:
        with session.begin_nested():
            merging.propose_copy(session, at, case_id, copy_of_id)
    except NotNow:
        return 0
    return 1


def _close(session: Session, now: datetime, one: _Ready, case: Case, report: Report) -> None:
    past = one.past
    answered_at = past.replied_at or past.received_at
    import_answer(session, case.id, past.reply, answered_at, organisation_id=one.organisation_id)
    report.answered += 1
    try:
        with session.begin_nested():
            row = publishing.propose(
                session, SYSTEM, now, case.id, title=past.title, question=past.body, reply=past.reply
            )
            row.organisation_id = row.organisation_id or one.organisation_id
    except HubError:
        return  # a possible accusation, or without consent: nothing to propose
    report.proposed += 1


def _origin(plan: Plan) -> str:
    return f"import:{plan.source}"[:40]


# --- releasing, and what was rejected ---------------------------------------------------------------------------------


def _proposed(db: Database, plan: Plan, after: int) -> list[int]:
    query = (
        select(PublishedReply.id)
        .join(Submission, Submission.id == PublishedReply.submission_id)
        .where(Submission.origin == _origin(plan), PublishedReply.state == "proposed", PublishedReply.id > after)
        .order_by(PublishedReply.id)
        .limit(BATCH)
    )
    with db.read() as session:
        return list(session.scalars(query))


def _release_one(
    session: Session, now: datetime, published_id: int, releaser: Actor, confirmer: Actor, report: Report
) -> None:
    row = session.get_one(PublishedReply, published_id)
    if row.state != "proposed" or row.masked_count:
        report.kept_back += 1
        return
    if row.proposed_by_id is None:
        row.proposed_by_id = confirmer.account_id
    try:
        with session.begin_nested():
            publishing.release(session, releaser, now, published_id)
    except HubError:
        report.kept_back += 1
        return
    report.released += 1


class RejectedRows:
    """The rejected rows in a file beside the imported one, each with its reason; no file when there are none."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, line: tables.Line, reason: str) -> None:
        """Write one row down."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(["行号", "原因", "原内容"])
        csv.writer(self._file).writerow([line.number, reason, *line.cells])
        self.count += 1
