"""The import itself: rows in batches, each batch one transaction, so that a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.errors import NotNow
from cases.models import Case, Submission
from cases.operations import accusations, classification, merging, publishing, submissions
from cases.operations.importing import first_cases, import_answer
from cases.operations.submissions import NewSubmission, Reporter
from cases.operations.taking import exact_digest
from core import ids, jobs
from core.clock import Clock
from core.database import Database
from core.errors import HubError, Invalid
from intake import diversion
from intake.brain import Brain, Thought
from intake.forms import find_area
from intake.importing import columns, tables
from intake.importing.plan import BATCH, Plan, Progress, Report
from intake.importing.rejected import RejectedRows
from intake.importing.rows import PastPetition, RowRejected, parse
from intake.text import PreparedText, prepare
from organisations import catalogue, places
from organisations.models import Organisation, OrganisationAlias
from organisations.people import SYSTEM
from search.jobs import QUEUE, RECONCILE

__all__ = ["Plan", "Report", "run"]

_OTHER_TEXT = "编号“{key}”已经导入过，内容不同；原来的没有改。如果是另一批数据，请用 --source 另起名称。"
Row = tuple[tables.Line, PastPetition]


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
    of every batch. The search index follows by a job. Raises Invalid for a file or a header that can't be read.
    """
    lines = tables.lines(plan.path)
    header = next(lines, None)
    if header is None or header.fault:
        raise Invalid({"file": "文件是空的，或第一行不是表头。"})
    found = columns.recognise(header.cells, plan.mapping)
    report = Report(ignored=columns.ignored(header.cells, found))
    with db.read() as session:
        surroundings = _Surroundings(session, clock.now())
    with RejectedRows(plan.path.with_name(plan.path.name + ".rejected.csv")) as rejected:
        for batch in _batches(lines):
            report.rows += len(batch)
            good = list(_parsed(batch, found, clock.now(), rejected))
            fresh = _unknown(db, plan, good, rejected, report)
            with db.read() as session:
                ready = _prepared(session, fresh, brain, surroundings)
            with db.write() as session:
                session.info["quiet"] = True
                earlier = dict(first_cases(session, {one.exact for one in ready}))
                for one in ready:
                    _take_in(session, clock.now(), plan, one, surroundings, earlier, report)
            progress(len(batch))
        report.rejected, report.rejected_file = rejected.count, rejected.written
    with db.write() as session:
        key, at = f"{plan.origin}.{ids.new_id()}", clock.now()
        jobs.enqueue(session, RECONCILE, key, due=at, queue=QUEUE)
    return report


# --- reading ----------------------------------------------------------------------------------------------------------


def _batches(lines: Iterator[tables.Line]) -> Iterator[list[tables.Line]]:
    while batch := list(islice(lines, BATCH)):
        yield batch


def _parsed(
    batch: Iterable[tables.Line], found: Mapping[str, int], now: datetime, rejected: RejectedRows
) -> Iterator[Row]:
    for line in batch:
        try:
            if line.fault:
                raise RowRejected(line.fault)
            yield line, parse(line.cells, found, now)
        except RowRejected as reason:
            rejected.add(line, str(reason))


def _unknown(
    db: Database, plan: Plan, good: Sequence[Row], rejected: RejectedRows, report: Report
) -> list[PastPetition]:
    """The rows that no earlier run took in. One under a known key is the same row again, or else rejected."""
    query = select(Submission.origin_key, Submission).where(Submission.origin == plan.origin)
    with db.read() as session:
        stored = session.execute(query.where(Submission.origin_key.in_({past.key for _line, past in good})))
        texts = {key: str(row.body) for key, row in stored}
    fresh = []
    for line, past in good:
        if past.key not in texts:
            texts[past.key] = past.body
            fresh.append(past)
        elif texts[past.key] == past.body:
            report.known += 1
        else:
            rejected.add(line, _OTHER_TEXT.format(key=past.key))
    return fresh


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
    texts = [prepare(past.title, past.body, past.place or past.area, (past.name, past.phone)) for past in fresh]
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
        origin=plan.origin, origin_key=past.key, channel="import", title=text.title, body=text.body,
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
    if case.accusation != "no":
        report.accusations += 1
        report.without_reader += not accusations.readers_of(session, case.id)
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
