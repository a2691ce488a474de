"""Offices work on a petition of the demonstration city: assigned, signed for, handled, given back, fed back."""

from __future__ import annotations

from datetime import datetime, timedelta

from cases.models import Assignment, AssignmentRequest
from cases.operations import dispatch, handling, messages, requests, supervising
from core.errors import HubError
from intake.demo.course import Course
from intake.demo.people import CHIEF, SUPERVISORS
from organisations import catalogue
from organisations.people import CITIZEN, Actor

_LATE_ONE_OF = 8  # of the open ones so many run late
_SOON = timedelta(hours=8)


def assign(course: Course) -> Assignment:
    """Have the petition's office lead, with the helpers of the catalogue; one that leads by itself already stays."""
    lead = course.lead()
    if lead is not None:
        return lead
    course.work(5, 80, "assign")
    if course.case.track == "petition":
        dispatch.register(course.session, course.officer, course.at, course.case.id)
        dispatch.accept(course.session, course.officer, course.at, course.case.id)
    office = course.city.people.offices[course.petition.lead_code]
    row = course.row
    helpers = _helpers(course, office) if row is not None and row.lead_id == office else ()
    return dispatch.assign(
        course.session, course.officer, course.at, course.case.id, office, co_ids=helpers,
        instruction=course.say("instruction"), handle_days=_days(course),
    )  # fmt: skip


def sign(course: Course) -> Assignment:
    """Everybody who was asked signs; the lead contacts the citizen and notes what was done."""
    lead = assign(course)
    if course.case.urgent:
        course.wait(4, 26, "sign")
    else:
        slow = course.petition.chance("slow to sign", 24) == 0
        course.work(*((250, 420) if slow else (8, 150)), "sign")
    for one in course.assignments():
        handling.sign(course.session, _handler(course, one), course.at, one.id)
    handler = _handler(course, lead)
    if handler.account_id is not None:
        handling.claim(course.session, handler, course.at, lead.id)
    course.work(30, 300, "contact")
    handling.first_contact(course.session, handler, course.at, lead.id, course.say("contact"))
    return lead


def go_on(course: Course) -> None:
    """In hand now: notes, what the citizen adds, what is asked for, what a supervisor says when it is late."""
    lead = sign(course)
    course.work(60, 900, "note")
    handling.note(course.session, _handler(course, lead), course.at, lead.id, course.say("note"))
    _citizen_writes(course)
    if course.petition.chance("late", _LATE_ONE_OF) == 0:
        _late(course)
        return
    kind = course.petition.chance("ask", 9)
    if kind < 3:
        _lately(course)
    if kind == 0:
        _extend(course, lead, granted=course.petition.chance("granted", 2) == 0)
    elif kind == 1:
        _ask_suspension(course, lead)
    elif kind == 2 and course.case.accusation == "no":
        course.work(20, 200, "ask")
        requests.ask_return(course.session, _handler(course, lead), course.at, lead.id, reason=course.say("ask_return"))


def give_back(course: Course) -> None:
    """The office gives it back with the reason; it waits for diversion again."""
    _lately(course)
    lead = assign(course)
    course.work(20, 180, "return")
    handling.return_(course.session, _handler(course, lead), course.at, lead.id, reason=course.say("returned"))


def rest(course: Course) -> None:
    """Suspended with consent until something happens."""
    lead = sign(course)
    course.work(100, 600, "suspend")
    request = _ask_suspension(course, lead)
    requests.grant(course.session, course.officer, course.work(20, 200, "consent"), request.id)


def feed_back(course: Course, ready: datetime | None = None) -> Assignment:
    """The result: helpers first, then the lead with the drafted answer.

    `ready`: when; without it mostly within the limit, sometimes after it.
    """
    lead = sign(course)
    course.work(60, 400, "note")
    handling.note(course.session, _handler(course, lead), course.at, lead.id, course.say("note"))
    course.reach(course.office(ready or _in_time(course, lead)), 0.8 if ready else 0.5)
    for co in course.assignments():
        if co.role == "co":
            handling.feed_back(course.session, _handler(course, co), course.at, co.id, report=course.say("co_report"))
    course.work(10, 120, "feed back")
    handling.feed_back(
        course.session, _handler(course, lead), course.at, lead.id, report=course.say("report"),
        answer=course.petition.reply,
    )  # fmt: skip
    return lead


def _handler(course: Course, assignment: Assignment) -> Actor:
    return course.city.people.of(assignment.organisation_id, "case.handle")


def _helpers(course: Course, office: int) -> tuple[int, ...]:
    row = course.row
    found = catalogue.co_ids(course.session, row.id) if row is not None else ()
    return tuple(one for one in found if one != office)


def _days(course: Course) -> int | None:
    """The limit set at assignment: for what is still open long enough to be in time, unless it is one of the late."""
    petition = course.petition
    if course.case.track == "petition" or petition.state == "closed" or petition.chance("late", _LATE_ONE_OF) == 0:
        return None
    gone = course.city.calendar.working_days_between(course.at, course.city.now)
    return gone + 1 + petition.chance("slack", 5) if gone > 1 else None


def _in_time(course: Course, lead: Assignment) -> datetime:
    """When the result is ready: mostly within the limit, sometimes after it."""
    limit = (lead.due_at or course.at) - lead.created_at
    tenths = 11 + course.petition.chance("over", 5) if course.petition.chance("late", 9) == 0 else 0
    share = (tenths or 3 + course.petition.chance("within", 6)) / 10
    return lead.created_at + limit * share


def _citizen_writes(course: Course) -> None:
    if course.petition.citizen is None:
        return
    key = f"demo.{course.petition.key}"
    if course.petition.chance("adds", 5) == 0:
        messages.add(
            course.session, CITIZEN, course.wait(300, 1500, "add"), course.submission.id, course.say("addition"),
            origin="web", origin_key=f"{key}.add", channel="web",
        )  # fmt: skip
    if course.petition.chance("urges", 5) == 0:
        messages.urge(
            course.session, CITIZEN, course.wait(600, 4000, "urge"), course.submission.id, course.say("urge"),
            origin="web", origin_key=f"{key}.urge", channel="web",
        )  # fmt: skip


def _late(course: Course) -> None:
    """A supervisor presses for what is past its limit."""
    due = course.case.due_at
    if due is None or due + _SOON > course.city.now or course.case.accusation != "no":
        return
    course.reach(course.office(due + _SOON), 0.8)
    supervisor = course.city.people.named(SUPERVISORS[course.petition.chance("supervisor", len(SUPERVISORS))])
    supervising.press(course.session, supervisor, course.at, course.case.id, course.say("pressed"))


def _lately(course: Course) -> None:
    """Let time pass until shortly before now: what waits for a decision does not wait for weeks."""
    hours = 3 + course.petition.chance("lately", 40)
    course.reach(course.office(course.city.now - timedelta(hours=hours)), 0.9)


def _extend(course: Course, lead: Assignment, *, granted: bool) -> None:
    course.work(30, 300, "extension")
    try:
        with course.session.begin_nested():
            request = requests.ask_extension(
                course.session, _handler(course, lead), course.at, lead.id, days=3, reason=course.say("extension")
            )
    except HubError:  # the policy allows no more
        return
    if granted:
        who = CHIEF if course.case.track == "hotline" else None
        consents = course.city.people.named(who) if who else course.city.people.of(lead.organisation_id, "case.approve")
        requests.grant(course.session, consents, course.work(20, 200, "consent"), request.id)


def _ask_suspension(course: Course, lead: Assignment) -> AssignmentRequest:
    course.work(20, 200, "ask")
    return requests.ask_suspension(
        course.session, _handler(course, lead), course.at, lead.id, reason=course.say("suspension")
    )
