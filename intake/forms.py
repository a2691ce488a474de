"""A petition form and a registered call become a submission. The token of the form makes a double click one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.errors import Invalid
from cases.operations import submissions
from cases.operations.submissions import FileGiven, NewSubmission, PersonNamed, Reporter, Submitted
from classifier import words
from core.clock import Clock
from core.database import Database
from core.text.numbers import id_number_ok, normal_phone
from core.uploads import MAX_FILES
from intake.text import PreparedText, prepare, title_of
from organisations import catalogue, places
from organisations.models import Area, CatalogueRow
from organisations.people import CITIZEN, Actor

TITLE = (4, 50)  # characters, fewest and most
BODY = (10, 2000)
WRITTEN = (2, 5)  # of them letters, characters or figures: in a title, in a body
PLACE_MOST = 200
NAME_MOST = 40
DISCLOSURES = {"named": "实名", "confidential": "实名保密", "anonymous": "匿名"}
TRACKS = {"hotline": "热线诉求", "petition": "信访事项"}
_TOKEN = re.compile(r"[\w.~-]{8,120}", re.ASCII)


@dataclass(frozen=True)
class PetitionForm:
    """What a citizen typed on /submit. `consent_publish` None: they were not asked, or did not say.

    `behalf_of` is the person whose matter it is when somebody else fills in the form (代办); `joint` the names of those
    who sign with the writer (联名); `who` the unit or person concerned.
    """

    title: str
    body: str
    area_id: int | None = None
    place: str = ""
    who: str = ""
    disclosure: str = "named"
    name: str = ""
    phone: str = ""
    id_number: str = ""
    behalf_of: str = ""
    behalf_phone: str = ""
    joint: tuple[str, ...] = ()
    consent_publish: bool | None = None
    level1: str = ""
    track: str = "hotline"
    occurred_at: datetime | None = None
    draft: bool = False


@dataclass(frozen=True)
class CallForm:
    """What an agent typed while somebody was on the line, or with a letter or a visitor before them."""

    body: str
    title: str = ""
    number: str = ""  # the caller's, as the exchange gave it
    name: str = ""
    phone: str = ""  # another one to be reached by
    id_number: str = ""
    area_id: int | None = None
    place: str = ""
    who: str = ""
    disclosure: str = "named"
    consent_publish: bool | None = None
    level1: str = ""
    track: str = "hotline"
    channel: str = "hotline"  # hotline, letter, visit
    source: str = "own"
    occurred_at: datetime | None = None
    draft: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


def take_form(
    db: Database, clock: Clock, files: Sequence[FileGiven], form: PetitionForm, token: str, *, origin: str = "web"
) -> Submitted:
    """Take in a petition form; the same token again gives the first submission and no code.

    `files` are in the file store already. Raises Invalid with a sentence for each field that needs changing.
    """
    at = clock.now()
    new = petition_of(db, at, files, form, token, origin=origin)
    with db.write() as session:
        return submissions.submit(session, CITIZEN, at, new)


def petition_of(
    db: Database, at: datetime, files: Sequence[FileGiven], form: PetitionForm, token: str, *, origin: str = "web"
) -> NewSubmission:
    """The form checked and prepared, nothing stored yet; a draft may have little text.

    Raises Invalid with a sentence for each field that needs changing.
    """
    declared = (form.name, form.phone, form.behalf_of, form.behalf_phone, *form.joint)
    text = prepare(form.title.strip(), form.body.strip(), form.place.strip(), declared)
    least = (0, 0) if form.draft else (TITLE[0], BODY[0])
    faults = _text_faults(text, *least) | _petition_faults(form, at, len(files)) | _token_faults(token)
    area_id = _checked_area(db, at, form.area_id, form.level1, text, faults)
    return NewSubmission(
        origin=origin, origin_key=token, channel=origin, title=text.title, body=text.body,
        title_masked=text.title_masked, body_masked=text.body_masked, offsets=text.offsets, received_at=at,
        reporter=_reporter(form), track=form.track, disclosure=form.disclosure, consent_publish=form.consent_publish,
        place=text.place, place_masked=text.place_masked, area_id=area_id, claimed_level1=form.level1 or None,
        occurred_at=form.occurred_at, parties=_parties(form), files=tuple(files), draft=form.draft,
        danger=words.danger(text.all_normal),
    )  # fmt: skip


def take_call(
    db: Database, clock: Clock, actor: Actor, form: CallForm, token: str, files: Sequence[FileGiven] = ()
) -> Submitted:
    """Register a call, letter or visit for a citizen; a missing title is made from the text.

    The same token again gives the first submission. Raises Invalid with a sentence by field, Forbidden.
    """
    actor.require("call.register")
    at = clock.now()
    body = form.body.strip()
    declared = (form.name, form.phone, form.number)
    text = prepare(form.title.strip() or title_of(body), body, form.place.strip(), declared)
    faults = _text_faults(text, title_least=2, body_least=4) | _call_faults(form, at, len(files))
    faults |= _token_faults(token)
    area_id = _checked_area(db, at, form.area_id, form.level1, text, faults)
    phone = form.phone.strip() or form.number.strip()
    # The exchange vouches for the number that rang, not for one that was told.
    proved = bool(form.number.strip()) and normal_phone(phone) == normal_phone(form.number)
    known = form.disclosure != "anonymous"
    new = NewSubmission(
        origin="desk", origin_key=token, channel=form.channel, title=text.title, body=text.body,
        title_masked=text.title_masked, body_masked=text.body_masked, offsets=text.offsets, received_at=at,
        reporter=Reporter(
            name=form.name.strip() if known else "", phone=phone, id_number=form.id_number.strip() if known else "",
            verified=("phone",) if proved else (),
        ),
        track=form.track, source=form.source, disclosure=form.disclosure, consent_publish=form.consent_publish,
        place=text.place, place_masked=text.place_masked, area_id=area_id, claimed_level1=form.level1 or None,
        occurred_at=form.occurred_at, parties=_concerned(form.who), files=tuple(files), extra=form.extra,
        draft=form.draft, danger=words.danger(text.all_normal),
    )  # fmt: skip
    with db.write() as session:
        return submissions.submit(session, actor, at, new)


# --- what is wrong with what was typed --------------------------------------------------------------------------------


def _text_faults(text: PreparedText, title_least: int = TITLE[0], body_least: int = BODY[0]) -> dict[str, str]:
    faults = {}
    if not title_least <= len(text.title_normal) <= TITLE[1]:
        faults["title"] = f"请用一句话概括，{title_least} 到 {TITLE[1]} 个字。"
    elif title_least and _written(text.title_normal) < WRITTEN[0]:
        faults["title"] = "请用文字概括，不要只用表情或标点。"
    if len(text.body_normal) < body_least:
        faults["body"] = f"请再写详细些，至少 {body_least} 个字：什么时候、在哪里、希望怎么解决。"
    elif len(text.body_normal) > BODY[1]:
        faults["body"] = f"最多 {BODY[1]:,} 个字，现在有 {len(text.body_normal):,} 个字。请精简，或把材料作为附件上传。"
    elif body_least and _written(text.body_normal) < WRITTEN[1]:
        faults["body"] = "请用文字写明什么时候、在哪里、希望怎么解决；只有表情或标点，工作人员看不明白。"
    if len(text.place_normal) > PLACE_MOST:
        faults["place"] = f"地点最多 {PLACE_MOST} 个字。"
    return faults


def _written(text: str) -> int:
    """How many letters, characters and figures there are among signs and pictures."""
    return sum(letter.isalnum() for letter in text)


def _petition_faults(form: PetitionForm, at: datetime, files: int) -> dict[str, str]:
    faults = _common_faults(form.disclosure, form.track, form.id_number, form.occurred_at, at, files)
    if form.disclosure != "anonymous" and not form.draft:
        if not form.name.strip():
            faults["name"] = "请填写您的姓名；不想留姓名，请选“匿名”。"
        if not form.phone.strip():
            faults["phone"] = "请填写手机号，用来告诉您进度；不想留电话，请选“匿名”。"
    for name, value in (("phone", form.phone), ("behalf_phone", form.behalf_phone)):
        if value.strip() and normal_phone(value) is None:
            faults[name] = "电话号码不对，请填 11 位手机号，或带区号的座机号。"
    for name, value in (("name", form.name), ("behalf_of", form.behalf_of), ("who", form.who)):
        if len(value.strip()) > (NAME_MOST if name != "who" else PLACE_MOST):
            faults[name] = "写得太长了，请精简。"
    if any(len(one.strip()) > NAME_MOST for one in form.joint) or len(form.joint) > 100:
        faults["joint"] = f"联名人最多 100 位，每人姓名不超过 {NAME_MOST} 个字。"
    return faults


def _call_faults(form: CallForm, at: datetime, files: int) -> dict[str, str]:
    faults = _common_faults(form.disclosure, form.track, form.id_number, form.occurred_at, at, files)
    if form.phone.strip() and normal_phone(form.phone) is None:
        faults["phone"] = "电话号码不对，请填 11 位手机号，或带区号的座机号。"
    if form.channel not in {"hotline", "letter", "visit"}:
        faults["channel"] = "请选择来电、来信或来访。"
    for name, value, most in (("name", form.name, NAME_MOST), ("who", form.who, PLACE_MOST)):
        if len(value.strip()) > most:
            faults[name] = "写得太长了，请精简。"
    return faults


def _common_faults(
    disclosure: str, track: str, id_number: str, occurred_at: datetime | None, at: datetime, files: int
) -> dict[str, str]:
    faults = {}
    if disclosure not in DISCLOSURES:
        faults["disclosure"] = "请选择实名、实名保密或匿名。"
    if track not in TRACKS:
        faults["track"] = "请选择热线诉求或信访事项。"
    if id_number.strip() and not id_number_ok(id_number):
        faults["id_number"] = "身份证号不对，请核对 18 位号码。"
    if occurred_at is not None and occurred_at > at:
        faults["occurred_at"] = "发生时间不能晚于现在。"
    if files > MAX_FILES:
        faults["files"] = f"最多上传 {MAX_FILES} 个文件。"
    return faults


def _token_faults(token: str) -> dict[str, str]:
    return {} if _TOKEN.fullmatch(token) else {"token": "页面已过期，请刷新后再提交；您填写的内容已保留。"}


def _checked_area(
    db: Database, at: datetime, area_id: int | None, level1: str, text: PreparedText, faults: dict[str, str]
) -> int | None:
    """The chosen area, else the one that place or text names. Raises Invalid with all that is wrong."""
    with db.read() as session:
        if area_id is not None and not session.scalar(select(Area.active).where(Area.id == area_id)):
            faults["area"] = "请重新选择区县和街道。"
        if level1 and not _has_category(session, level1):
            faults["level1"] = "请重新选择类别，也可以不选。"
        if faults:
            raise Invalid(faults)
        if area_id is not None:
            return area_id
        index = places.index_of(session, at)
    return find_area(index, text)


def find_area(index: places.PlaceIndex, text: PreparedText) -> int | None:
    """The area that the place names, else the one that title and body name."""
    return index.find(text.place_normal) or index.find(f"{text.title_normal}\n{text.body_normal}")


def _has_category(session: Session, level1: str) -> bool:
    version = catalogue.in_force(session)
    query = select(CatalogueRow.id).where(CatalogueRow.level1 == level1).limit(1)
    return version is not None and session.scalar(query.where(CatalogueRow.version_id == version.id)) is not None


# --- who --------------------------------------------------------------------------------------------------------------


def _reporter(form: PetitionForm) -> Reporter:
    """Whose matter it is. Of somebody anonymous nothing is kept but a telephone they chose to leave."""
    if form.disclosure == "anonymous":
        return Reporter(phone=form.phone.strip())
    if form.behalf_of.strip():
        return Reporter(name=form.behalf_of.strip(), phone=form.behalf_phone.strip() or form.phone.strip())
    return Reporter(name=form.name.strip(), phone=form.phone.strip(), id_number=form.id_number.strip())


def _parties(form: PetitionForm) -> tuple[PersonNamed, ...]:
    parties = list(_concerned(form.who))
    if form.disclosure != "anonymous":
        if form.behalf_of.strip():
            parties.append(PersonNamed("agent", form.name.strip(), form.phone.strip()))
        parties += [PersonNamed("joint", name.strip()) for name in form.joint if name.strip()]
    return tuple(parties)


def _concerned(who: str) -> tuple[PersonNamed, ...]:
    return (PersonNamed("unit_concerned", who.strip()),) if who.strip() else ()
