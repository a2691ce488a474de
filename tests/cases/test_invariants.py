"""Any sequence of permitted operations keeps what must always hold of a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from town import Town, at, make_town

from cases import history
from cases.models import Assignment, AssignmentRequest, Card, Case, CaseClock, Event
from cases.operations import closing, dispatch, handling, requests, rounds, submissions
from cases.operations.base import assignments_of
from cases.status import status_of
from cases.sweep import sweep
from cases.workflow import ASSIGNMENT_STATES, CASE_STAGES, OPEN_ASSIGNMENTS
from core.clock import FixedClock
from core.database import Database
from core.errors import HubError
from organisations.people import CITIZEN
from tests.conftest import Templates

LEADS = ("bureau", "water", "housing")
PERMITTED = {
    "to_sign": ("sign", "sign", "sign", "sign", "return", "take_back"),
    "doing": ("feed_back", "feed_back", "feed_back", "claim", "note", "extend", "suspend", "ask_return", "down", "down",
              "return"),
    "held": ("resume", "note"),
    "fed_back": ("confirm", "confirm", "send_back"),
}  # fmt: skip
STEPS = sorted({step for steps in PERMITTED.values() for step in steps})
BELOW = {"bureau": "county", "county": "street"}


class CaseMachine(RuleBasedStateMachine):
    """One case and everything that can happen to it; what the workflow refuses must change nothing."""

    def __init__(self, town: Town, drop: Callable[[], None]) -> None:
        super().__init__()
        self.town, self.drop = town, drop
        self.now = at(24)

    def teardown(self) -> None:
        self.town.db.dispose()
        self.drop()

    @initialize(track=st.sampled_from(["hotline", "petition"]))
    def begin(self, track: str) -> None:
        self.case_id = self.town.case(when=self.now, track=track)
        self.promised = self.case.promise_at

    @property
    def case(self) -> Case:
        return self.town.get(Case, self.case_id)

    def do(self, operation, *args, **more) -> None:
        """One operation at the present moment; what is refused leaves the case as it was."""
        version = self.case.version
        self.now += timedelta(minutes=7)
        try:
            with self.town.db.write() as session:
                operation(session, *args, **more)
        except HubError:
            assert self.case.version == version

    def one(self, pick: int) -> Assignment | None:
        rows = self.town.rows(Assignment, case_id=self.case_id, round=self.case.round)
        return rows[pick % len(rows)] if rows else None

    def person(self, role: str, assignment: Assignment):
        code = next(code for code, row_id in self.town.ids.items() if row_id == assignment.organisation_id)
        return self.town.actor(f"{role}@{code}")

    def assigner(self, assignment: Assignment):
        if assignment.parent_id is None:
            return self.town.officer
        return self.person("approver", self.town.get(Assignment, assignment.parent_id))

    @rule(lead=st.sampled_from(LEADS), co=st.sampled_from([*LEADS, ""]))
    def assign(self, lead: str, co: str) -> None:
        cos = [self.town.ids[co]] if co else []
        self.do(dispatch.assign, self.town.officer, self.now, self.case_id, self.town.ids[lead], co_ids=cos)

    @rule(lead=st.sampled_from(LEADS))
    def auto_assign(self, lead: str) -> None:
        self.do(dispatch.auto_assign, self.now, self.case_id, self.town.ids[lead])

    @rule(pick=st.integers(0, 9), step=st.sampled_from(STEPS))
    def anything(self, pick: int, step: str) -> None:
        """Also what the workflow does not allow now."""
        found = self.one(pick)
        if found is not None:
            self.act(found, step)

    @rule(pick=st.integers(0, 9), choice=st.integers(0, 99))
    def permitted(self, pick: int, choice: int) -> None:
        """What the table allows of one of the open assignments."""
        rows = [row for row in self.town.rows(Assignment, case_id=self.case_id) if row.state in OPEN_ASSIGNMENTS]
        if not rows:
            return self.assign(LEADS[choice % 3], ("", *LEADS)[choice % 4])
        found = rows[pick % len(rows)]
        steps = PERMITTED[found.state]
        self.act(found, steps[choice % len(steps)])

    def act(self, found: Assignment, step: str) -> None:
        handler, now, key = self.person("handler", found), self.now, found.id
        if step == "sign":
            self.do(handling.sign, handler, now, key)
        elif step == "claim":
            self.do(handling.claim, handler, now, key)
        elif step == "note":
            self.do(handling.note, handler, now, key, "已到现场")
        elif step == "return":
            self.do(handling.return_, handler, now, key, reason="不属于本单位")
        elif step == "resume":
            self.do(requests.resume, handler, now, key)
        elif step == "extend":
            self.do(requests.ask_extension, handler, now, key, days=1, reason="等配件")
        elif step == "suspend":
            self.do(requests.ask_suspension, handler, now, key, reason="等鉴定")
        elif step == "ask_return":
            self.do(requests.ask_return, handler, now, key, reason="职责划转")
        elif step == "take_back":
            self.do(dispatch.take_back, self.assigner(found), now, key, reason="派错")
        elif step == "send_back":
            self.do(closing.send_back, self.assigner(found), now, key, reason="不完整")
        elif step == "confirm":
            self.do(closing.confirm, self.assigner(found), now, key)
        elif step == "feed_back":
            stated = {row.id: "无意见" for row in self.town.rows(Assignment, case_id=self.case_id)}
            self.do(
                handling.feed_back,
                handler,
                now,
                key,
                report="已按要求办理，现场看过",
                answer="您好，您反映的事已办好。",
                co_opinions=stated,
            )
        else:
            self.go_down(found)

    def go_down(self, found: Assignment) -> None:
        code = next(code for code, row_id in self.town.ids.items() if row_id == found.organisation_id)
        if code in BELOW:
            below = self.town.ids[BELOW[code]]
            self.do(dispatch.assign_down, self.person("handler", found), self.now, found.id, below)

    @rule(pick=st.integers(0, 9), grant=st.sampled_from([True, True, False]))
    def decide(self, pick: int, grant: bool) -> None:
        rows = self.town.rows(AssignmentRequest, case_id=self.case_id)
        asked = [row for row in rows if row.state == "asked"] or rows
        if not asked:
            return
        row = asked[pick % len(asked)]
        of = self.town.get(Assignment, row.assignment_id)
        head = self.case.track == "petition" and row.kind == "extension"
        who = self.person("approver", of) if head else self.assigner(of)
        self.do(requests.grant if grant else requests.refuse_request, who, self.now, row.id)

    @rule(resolved=st.booleans())
    def rate(self, resolved: bool) -> None:
        self.do(closing.rate, CITIZEN, self.now, self.town.submission(self.case_id), True, resolved, 3)

    @precondition(lambda self: self.case.stage in {"asking", "closed"})
    @rule()
    def reopen(self) -> None:
        self.do(rounds.reopen, self.town.officer, self.now, self.case_id, reason="没有解决")
        self.promised = self.case.promise_at

    @precondition(lambda self: self.case.stage != "review")
    @rule(step=st.sampled_from(["close", "direct_answer", "refuse"]))
    def finish_too_early(self, step: str) -> None:
        self.finish(step)

    @precondition(lambda self: self.case.round > 1 or self.case.stage == "asking")
    @rule(step=st.sampled_from(["close", "direct_answer", "refuse", "withdraw"]))
    def finish(self, step: str) -> None:
        officer = self.town.officer
        if step == "close":
            self.do(closing.close, officer, self.now, self.case_id)
        elif step == "direct_answer":
            self.do(dispatch.direct_answer, officer, self.now, self.case_id, "可以办理")
        elif step == "refuse":
            self.do(dispatch.refuse, officer, self.now, self.case_id, ground="refuse-1")
        else:
            self.do(submissions.withdraw, CITIZEN, self.now, self.town.submission(self.case_id))

    @rule(hours=st.sampled_from([1, 30, 100]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        sweep(self.town.db, FixedClock(self.now))
        cards = len(self.town.rows(Card))
        sweep(self.town.db, FixedClock(self.now))
        assert len(self.town.rows(Card)) == cards

    @invariant()
    def what_must_hold(self) -> None:
        with self.town.db.read() as session:
            case = session.get_one(Case, self.case_id)
            now = assignments_of(session, case)
            self.assignments_hold(session, case, now)
            self.clocks_hold(session, case, now)
            assert list(history.verify(session)) == []
            assert len(list(session.scalars(select(Event.id)))) == case.seq

    def assignments_hold(self, session, case: Case, now: list[Assignment]) -> None:
        assert case.stage in CASE_STAGES and {row.state for row in now} <= set(ASSIGNMENT_STATES)
        assert case.status == status_of(case.stage, [row.state for row in now])
        leads = [row for row in now if row.role == "lead" and row.parent_id is None and row.state in OPEN_ASSIGNMENTS]
        assert len(leads) == (1 if case.stage in {"assigned", "fed_back"} else 0)
        if leads:
            assert case.lead_id == leads[0].organisation_id
            assert (leads[0].state == "fed_back") == (case.stage == "fed_back")
        for row in session.scalars(select(Assignment)):
            is_open = row.state in OPEN_ASSIGNMENTS
            assert is_open == (row.ended_at is None)
            assert not is_open or (row.round == case.round and case.stage in {"assigned", "fed_back"})
            parent = session.get(Assignment, row.parent_id) if row.parent_id else None
            assert not is_open or parent is None or parent.state in OPEN_ASSIGNMENTS

    def clocks_hold(self, session, case: Case, now: list[Assignment]) -> None:
        running = list(session.scalars(select(CaseClock).where(CaseClock.ended_at.is_(None))))
        assert len({(row.subject, row.subject_id, row.kind) for row in running}) == len(running)
        if case.stage == "closed":
            assert running == [] and case.outcome and case.closed_at
        else:
            assert case.outcome is None and case.closed_at is None and running
        open_ids = {row.id for row in now if row.state in OPEN_ASSIGNMENTS}
        assert {row.subject_id for row in running if row.subject == "assignment"} <= open_ids
        handling_ids = {row.subject_id for row in running if row.kind == "handle"}
        assert handling_ids == {row.id for row in now if row.state in {"to_sign", "doing", "held"}}
        for row in running:
            held = row.subject == "assignment" and session.get_one(Assignment, row.subject_id).state == "held"
            assert (row.paused_at is not None) == (held and not row.statutory)
            if row.kind == "handle":
                assert session.get_one(Assignment, row.subject_id).due_at == row.due_at
        assert case.promise_at == self.promised


SEQUENCES = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_any_sequence_of_operations(templates: Templates, tmp_path: Path) -> None:
    number = count(1)

    def machine() -> CaseMachine:
        url = templates.copy("empty", tmp_path / f"{next(number)}.db")
        return CaseMachine(make_town(Database(url)), lambda: templates.drop(url))

    run_state_machine_as_test(machine, settings=SEQUENCES)
