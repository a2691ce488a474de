"""A petition of the demonstration city is answered: confirmed, rated, published, refused, guided; calls are made."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from cases.models import CallBack, Contact
from cases.operations import closing, contacts, deciding, publishing
from intake.demo import working
from intake.demo.course import Course
from intake.demo.people import AGENTS, CHIEF, PUBLISHER
from organisations.people import CITIZEN, Actor

_WAYS = {"hotline": "callback"}
_CALLED_AFTER_DAYS = 1.5  # a flagged call younger than this still waits to be returned
GROUNDS = {
    ("hotline", "refuse"): "hotline-unclear",
    ("hotline", "guide"): "hotline-litigation",
    ("petition", "refuse"): "petition-final",
    ("petition", "guide"): "petition-administrative",
}


def end_on_ground(course: Course, operation: str) -> None:
    """Not accepted, or shown the way that is open, on a ground of its track."""
    course.work(15, 200, operation)
    ground = GROUNDS[course.case.track, operation]
    act = deciding.refuse if operation == "refuse" else deciding.guide
    act(course.session, course.officer, course.at, course.case.id, ground=ground)


def answer(course: Course) -> None:
    """Fed back and confirmed lately: the citizen has the answer and has said nothing yet."""
    hours = 20 + 15 * course.petition.chance("asked since", 6)
    lead = working.feed_back(course, course.city.now - timedelta(hours=hours))
    course.work(10, 60, "confirm")
    closing.confirm(course.session, course.officer, course.at, lead.id)


def finish(course: Course) -> None:
    """Fed back, confirmed, rated, closed; some of the offices' work is judged, some replies are published."""
    lead = working.feed_back(course)
    course.work(20, 300, "confirm")
    closing.confirm(course.session, course.officer, course.at, lead.id)
    _rate(course)
    if course.petition.chance("judged", 2) == 0:
        course.work(30, 300, "judge")
        quality = 3 + course.petition.chance("quality", 3)
        closing.evaluate(course.session, course.officer, course.at, lead.id, quality=quality)
    _publish(course)


def call(course: Course) -> None:
    """Return the call that an agent flagged; a young one is still owed."""
    query = select(CallBack).join(Contact, Contact.id == CallBack.contact_id)
    owed = course.session.scalar(query.where(Contact.origin_key == f"demo.{course.petition.key}"))
    if owed is None or course.petition.days_ago < _CALLED_AFTER_DAYS:
        return
    agent, at = _agent(course), course.office(course.received_at + timedelta(hours=20))
    if course.petition.chance("no answer", 3) == 0:
        contacts.record_attempt(course.session, agent, at, owed.id, "no_answer")
        at = course.office(at + timedelta(hours=2))
    if at < course.city.now:
        contacts.record_attempt(course.session, agent, at, owed.id, "reached", course.say("call_back"))


def _agent(course: Course) -> Actor:
    return course.city.people.named(AGENTS[course.petition.chance("caller", len(AGENTS))])


def _rate(course: Course) -> None:
    rating = course.petition.rating or {}
    by_phone = course.petition.channel == "hotline"
    by = _agent(course) if by_phone and course.case.accusation == "no" else CITIZEN
    resolved = bool(rating["resolved"])
    comment = course.say("comment" if resolved else "unresolved") if course.petition.chance("comment", 2) == 0 else ""
    course.work(*(60, 500), "rate") if by_phone else course.wait(60, 2400, "rate")
    closing.rate(
        course.session, by, course.at, course.submission.id, bool(rating["contacted"]), resolved,
        int(rating["satisfaction"]), comment, _WAYS.get(course.petition.channel, course.petition.channel),
    )  # fmt: skip
    if course.case.stage == "asking":  # not resolved: an officer decides
        course.work(60, 300, "close")
        closing.close(course.session, course.officer, course.at, course.case.id)


def _publish(course: Course) -> None:
    """Proposed by the officer, released by a second person; a few of those that may be published wait for it."""
    petition, submission = course.petition, course.submission
    waits = not petition.public and submission.consent_publish is True and petition.days_ago < 30
    if course.case.accusation != "no" or not (petition.public or waits):
        return
    row = publishing.propose(
        course.session, course.officer, course.work(60, 900, "propose"), course.case.id,
        title=submission.title_masked, question=submission.body_masked, reply=petition.reply,
    )  # fmt: skip
    if petition.public:
        releaser = course.city.people.named((CHIEF, PUBLISHER)[petition.chance("release", 2)])
        publishing.release(course.session, releaser, course.work(60, 900, "release"), row.id)
