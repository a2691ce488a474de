"""A petition's course: where in time it is, and on what the next step works. Time goes forward and stays before now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import sweep
from cases.models import Assignment, Case, Submission
from intake.brain import Thought
from intake.demo.people import OFFICERS, READING_OFFICER, People
from intake.demo.petitions import DemoPetition, Phrases
from intake.text import PreparedText
from organisations import catalogue
from organisations.calendar import WorkingCalendar
from organisations.models import CatalogueRow
from organisations.people import Actor

_SHARE = 0.35  # of the time that is left, at most, a step takes: what came an hour ago still gets through its steps
_BEFORE_NOW = timedelta(seconds=90)


@dataclass(frozen=True)
class City:
    """What all courses share. `calendar`: the city's office hours."""

    people: People
    phrases: Phrases
    calendar: WorkingCalendar
    now: datetime


@dataclass
class Course:
    """One petition on its way; `at` is the moment of the last step."""

    session: Session
    city: City
    petition: DemoPetition
    text: PreparedText
    thought: Thought
    at: datetime = field(init=False)
    submission: Submission = field(init=False)
    case: Case = field(init=False)

    def __post_init__(self) -> None:
        self.at = self.received_at

    @property
    def received_at(self) -> datetime:
        """When the petition came."""
        return self.city.now - timedelta(days=self.petition.days_ago)

    @cached_property
    def row(self) -> CatalogueRow | None:
        """The catalogue's row for what the petition is about."""
        area_id = self.city.people.areas[self.petition.area_code]
        return catalogue.find(self.session, self.petition.level1, self.petition.level2, "", area_id)

    @property
    def officer(self) -> Actor:
        """Who diverts it: one of the officers, or for an accusation the one whom its reader named."""
        if self.case.accusation == "yes":
            return self.city.people.named(READING_OFFICER)
        return self.city.people.named(OFFICERS[self.petition.chance("officer", len(OFFICERS))])

    @property
    def is_accusation(self) -> bool:
        """Whether it is one by the hand that wrote it."""
        return self.petition.level1 == "纪检监察" and self.petition.nature == "举报"

    def say(self, what: str) -> str:
        """A sentence of a kind."""
        return self.city.phrases.pick(self.petition, what)

    def work(self, least: int, most: int, what: str) -> datetime:
        """Let so many minutes of office hours pass."""
        minutes = least + self.petition.chance(what, most - least + 1)
        return self.reach(self.city.calendar.add_working_minutes(self.at, minutes))

    def wait(self, least: int, most: int, what: str) -> datetime:
        """Let so many minutes pass at any hour."""
        return self.reach(self.at + timedelta(minutes=least + self.petition.chance(what, most - least + 1)))

    def reach(self, moment: datetime, share: float = _SHARE) -> datetime:
        """Go on to a moment, at most by this share of the time that is left; what the clocks do until then is done."""
        left = self.city.now - _BEFORE_NOW - self.at
        ahead = min(moment - self.at, left * share)
        self.at += max(ahead, timedelta(milliseconds=200))
        self.look(self.at)
        return self.at

    def look(self, until: datetime) -> None:
        """Give what the case's clocks earned."""
        sweep.catch_up(self.session, self.case.id, until)

    def office(self, at: datetime) -> datetime:
        """The moment itself in office hours, else when they next begin."""
        return self.city.calendar.next_working_moment(at)

    def assignments(self) -> list[Assignment]:
        """The open assignments, oldest first."""
        query = select(Assignment).where(Assignment.case_id == self.case.id, Assignment.ended_at.is_(None))
        return list(self.session.scalars(query.order_by(Assignment.created_at, Assignment.id)))

    def lead(self) -> Assignment | None:
        """The open assignment of who leads."""
        return next((one for one in self.assignments() if one.role == "lead"), None)
