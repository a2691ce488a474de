"""A petition of the demonstration city arrives: submitted by its channel, classified, read, put right by an officer."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from cases.models import Alert
from cases.operations import accusations, alerts, classification, contacts, dispatch, submissions
from cases.operations.contacts import NewContact
from cases.operations.inputs import NewSubmission, Reporter
from classifier import words
from intake import diversion
from intake.demo.course import Course
from intake.demo.people import AGENTS, DUTY, READER, READING_OFFICER
from organisations.people import CITIZEN, Actor

_VERIFIED = {"wechat": ("openid",), "sms": ("phone",), "hotline": ("phone",), "web": ()}
_ORIGIN = {"hotline": "desk"}
FRESH_DAYS = 0.025  # an alert younger than this has not been seen yet


def arrive(course: Course) -> None:
    """Submit it, with a call's contact; a draft ends here."""
    petition, agent = course.petition, _agent(course)
    by: Actor = agent if petition.channel == "hotline" else CITIZEN
    taken = submissions.submit(course.session, by, course.at, _new(course))
    course.submission, course.case = taken.submission, taken.case
    if petition.channel == "hotline" and petition.citizen:
        contacts.register_contact(course.session, agent, course.at, _contact(course))


def divert(course: Course) -> None:
    """What follows by itself or at once: diversion, the duty officer at danger, the reader of a possible accusation."""
    course.reach(course.at + timedelta(seconds=6))
    if course.is_accusation:
        accusations.suspect(course.session, course.at, course.case, accusation=True)
    diversion.divert(course.session, course.at, course.case, course.thought)
    if course.case.danger and course.petition.days_ago > FRESH_DAYS:
        course.wait(2, 9, "seen")
        alert = course.session.scalars(select(Alert).where(Alert.case_id == course.case.id)).one()
        alerts.acknowledge(course.session, course.city.people.named(DUTY), course.at, alert.id)
    if course.case.accusation == "possible" and not (course.is_accusation and course.petition.state == "review"):
        _read(course)


def put_right(course: Course) -> None:
    """Take back what went elsewhere by itself, and correct category, nature and urgency where they are wrong."""
    petition, case = course.petition, course.case
    lead = course.lead()
    wanted = course.city.people.offices.get(petition.lead_code)
    if lead is not None and (lead.organisation_id != wanted or petition.state in {"review", "refused", "guided"}):
        course.work(8, 45, "take back")
        dispatch.take_back(course.session, course.officer, course.at, lead.id, reason=course.say("taken_back"))
    right = (petition.level1, petition.level2, petition.nature, bool(petition.urgent))
    if (case.level1, case.level2, case.nature, case.urgent) == right or petition.state == "review":
        return
    course.work(4, 60, "correct")
    level3 = case.level3 if (case.level1, case.level2) == right[:2] else None
    classification.correct(
        course.session, course.officer, course.at, case.id, level1=petition.level1, level2=petition.level2,
        level3=level3 or "", nature=petition.nature, urgent=bool(petition.urgent),
    )  # fmt: skip


def _agent(course: Course) -> Actor:
    return course.city.people.named(AGENTS[course.petition.chance("agent", len(AGENTS))])


def _new(course: Course) -> NewSubmission:
    petition, text = course.petition, course.text
    row = course.row
    return NewSubmission(
        origin=_ORIGIN.get(petition.channel, petition.channel), origin_key=f"demo.{petition.key}",
        channel=petition.channel, title=text.title, body=text.body, title_masked=text.title_masked,
        body_masked=text.body_masked, offsets=text.offsets, received_at=course.at, reporter=_reporter(course),
        track="petition" if row is not None and row.track == "petition" and petition.channel == "web" else "hotline",
        disclosure=petition.disclosure, consent_publish=_consent(course), place=text.place,
        place_masked=text.place_masked, area_id=course.city.people.areas[petition.area_code],
        danger=words.danger(text.all_normal), draft=petition.state == "draft",
    )  # fmt: skip


def _consent(course: Course) -> bool | None:
    return True if course.petition.public else (None, True, False)[course.petition.chance("consent", 3)]


def _reporter(course: Course) -> Reporter:
    petition = course.petition
    openid = f"demo-{petition.key}" if petition.channel == "wechat" else ""
    if petition.citizen is None:
        return Reporter(openid=openid, verified=("openid",) if openid else ())
    return Reporter(
        name=petition.citizen["name"], phone=petition.citizen["phone"], openid=openid,
        verified=_VERIFIED[petition.channel],
    )  # fmt: skip


def _contact(course: Course) -> NewContact:
    citizen = course.petition.citizen or {}
    flagged = course.petition.chance("flag", 4) == 0
    return NewContact(
        channel="hotline", kind="new", started_at=course.at - timedelta(minutes=4), number=citizen["phone"],
        ended_at=course.at, origin_key=f"demo.{course.petition.key}", flag="needed" if flagged else "not_needed",
        callback_person=citizen["name"] if flagged else "", callback_phone=citizen["phone"] if flagged else "",
        note=course.say("call_note"), submission_ids=(course.submission.id,),
    )  # fmt: skip


def _read(course: Course) -> None:
    reader = course.city.people.named(READER)
    course.work(10, 90, "read")
    accusations.decide(course.session, reader, course.at, course.case.id, course.is_accusation)
    if course.is_accusation:
        officer = course.city.people.named(READING_OFFICER).account_id
        accusations.name_reader(course.session, reader, course.at, course.case.id, officer or 0)
