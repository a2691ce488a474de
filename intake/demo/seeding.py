"""Filling a new hub with the demonstration city's petitions, each at its place in the course of things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Submission, SubmissionCase
from cases.operations import contacts, merging
from cases.operations.contacts import NewContact
from core.clock import Clock
from core.database import Database
from core.errors import HubError
from intake.brain import Brain
from intake.demo import answering, arriving, working
from intake.demo.course import City, Course
from intake.demo.people import AGENTS, People
from intake.demo.petitions import Phrases, shipped
from intake.text import prepare
from organisations.calendar import load_calendar

_BATCH = 30  # petitions a write session
_NUISANCE = ("19900009901", "19900009901", "19900009901", "19900009902")

# The state that a petition was written for, and what happens until then.
_STORIES: Mapping[str, Callable[[Course], object]] = {
    "review": lambda course: None,
    "pending": working.assign,
    "doing": working.go_on,
    "returned": working.give_back,
    "suspended": working.rest,
    "fed_back": lambda course: working.feed_back(course, course.city.now - timedelta(hours=10)),
    "asking": answering.answer,
    "closed": answering.finish,
    "refused": lambda course: answering.end_on_ground(course, "refuse"),
    "guided": lambda course: answering.end_on_ground(course, "guide"),
}


def seed_petitions(db: Database, clock: Clock, brain: Brain) -> int:
    """Tell every shipped petition from its arrival to its state, dated relative to the clock; gives how many are new.

    Nobody is notified of the past and no job is owed: index it afterwards. What is there already stays as it is, so one
    that broke off is finished by another run.
    Raises LookupError without the demonstration city's accounts.
    """
    cases = _told_before(db)
    petitions = [one for one in shipped() if one.key not in cases]
    texts = [prepare(one.title, one.body, one.place) for one in petitions]
    thoughts = brain.think_many([(text.title_masked, text.body_masked) for text in texts])
    told = list(zip(petitions, texts, thoughts, strict=True))
    with db.read() as session:
        city = City(People(session, clock.now()), Phrases(), load_calendar(session), clock.now())
    for start in range(0, len(told), _BATCH):
        with db.write() as session:
            session.info["unheard"] = True
            for petition, text, thought in told[start : start + _BATCH]:
                course = Course(session, city, petition, text, thought)
                _tell(course, cases)
                cases[petition.key] = course.case.id
    with db.write() as session:
        _nuisance(session, city)
    return len(petitions)


def _told_before(db: Database) -> dict[str, int]:
    """The cases of the petitions that are there already, by the petition's key."""
    query = (
        select(Submission.origin_key, SubmissionCase.case_id)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .where(Submission.origin_key.startswith("demo."), SubmissionCase.kind == "founding")
    )
    with db.read() as session:
        return {(key or "").removeprefix("demo."): case for key, case in session.execute(query)}


def _tell(course: Course, cases: Mapping[str, int]) -> None:
    arriving.arrive(course)
    if course.petition.state == "draft":
        return
    arriving.divert(course)
    _propose_copy(course, cases)
    arriving.put_right(course)
    _STORIES[course.petition.state](course)
    answering.call(course)
    course.look(course.city.now)


def _propose_copy(course: Course, cases: Mapping[str, int]) -> None:
    """It looks like an earlier one: an officer has still to decide."""
    copied = cases.get(course.petition.duplicate_of or "")
    if copied is None:
        return
    try:
        with course.session.begin_nested():
            merging.propose_copy(course.session, course.at, course.case.id, copied)
    except HubError:  # one of them may be an accusation, or follows another track
        return


def _nuisance(session: Session, city: City) -> None:
    """Calls without a matter, from two numbers."""
    agent = city.people.named(AGENTS[0])
    for count, number in enumerate(_NUISANCE):
        at = city.now - timedelta(days=1 + 2 * count, hours=1)
        call = NewContact(
            channel="hotline", kind="nuisance", started_at=at, number=number, ended_at=at + timedelta(minutes=1),
            origin_key=f"demo.nuisance.{count}", flag="nuisance",
        )  # fmt: skip
        contacts.register_contact(session, agent, at, call)
