"""A petition form and a registered call become a submission; each field that is wrong has its sentence."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cases.models import Attachment, Case, Citizen, ContactPoint, Party, QueryCode, Submission
from cases.operations.submissions import FileGiven
from core.clock import FixedClock
from core.database import Database
from core.errors import Forbidden, Invalid
from intake.forms import CallForm, PetitionForm, take_call, take_form
from tests.conftest import AT, City

TOKEN = "form-token-0001"
FORM = PetitionForm(
    title="工地夜里施工到两点",
    body="小区东侧工地连续三晚施工到凌晨两点，打桩声很大，希望按规定的时间施工。",
    place="书院里小区东侧",
    name="费守成",
    phone="138 0000 2607",
    consent_publish=True,
)
CALL = CallForm(body="书院里小区停水两天了，没有通知", number="13800002607", name="费守成")


def count(db: Database, model: Any) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_everything_typed_is_kept(city: City, clock: FixedClock) -> None:
    file = FileGiven("夜间.jpg", "image", "image/jpeg", 2_000, "a" * 64, "files/1")
    form = replace(
        FORM, who="云栖府二期", level1="城乡建设", disclosure="confidential", occurred_at=AT - timedelta(days=1)
    )
    done = take_form(city.db, clock, [file], form, TOKEN)
    assert done.code is not None and len(done.code) == 8 and not done.repeated
    with city.db.read() as session:
        made = session.scalars(select(Submission)).one()
        case = session.scalars(select(Case)).one()
        parties = {party.role: party.name for party in session.scalars(select(Party))}
        assert session.scalars(select(Attachment)).one().key == "files/1"
        point = session.scalars(select(ContactPoint)).one()
    assert (made.title, made.body, made.place) == (FORM.title, FORM.body, FORM.place)
    assert (made.origin, made.origin_key, made.channel, made.track) == ("web", TOKEN, "web", "hotline")
    assert (made.disclosure, made.consent_publish, made.claimed_level1) == ("confidential", True, "城乡建设")
    assert made.area_id == city.area("TC010101")  # named by the place, none chosen
    assert case.stage == "review" and case.number == made.number
    assert parties == {"reporter": "费守成", "unit_concerned": "云栖府二期"}
    assert (point.value, point.verified_at) == ("+8613800002607", None)


def test_the_area_chosen_goes_before_the_one_named(city: City, clock: FixedClock) -> None:
    done = take_form(city.db, clock, [], replace(FORM, area_id=city.area("TC03")), TOKEN)
    assert done.submission.area_id == city.area("TC03")


def test_a_double_click_is_one_submission(city: City, clock: FixedClock) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: take_form(city.db, clock, [], FORM, TOKEN), range(8)))
    assert len({one.submission.number for one in done}) == 1
    assert sum(one.code is not None for one in done) == 1
    assert (count(city.db, Submission), count(city.db, QueryCode)) == (1, 1)


def test_of_somebody_anonymous_no_name_is_kept(city: City, clock: FixedClock) -> None:
    form = replace(FORM, disclosure="anonymous", phone="", joint=("江月",), behalf_of="费守成")
    done = take_form(city.db, clock, [], form, TOKEN)
    assert done.submission.disclosure == "anonymous" and done.submission.citizen_id is None
    assert (count(city.db, Citizen), count(city.db, ContactPoint), count(city.db, Party)) == (0, 0, 0)


def test_on_behalf_of_somebody(city: City, clock: FixedClock) -> None:
    take_form(city.db, clock, [], replace(FORM, behalf_of="费老太"), TOKEN)
    with city.db.read() as session:
        parties = {party.role: (party.name, party.phone) for party in session.scalars(select(Party))}
    assert parties["reporter"] == ("费老太", "138 0000 2607")
    assert parties["agent"] == ("费守成", "138 0000 2607")


def test_those_who_sign_with_the_writer(city: City, clock: FixedClock) -> None:
    take_form(city.db, clock, [], replace(FORM, joint=("江月", " ", "柳原")), TOKEN)
    with city.db.read() as session:
        names = [party.name for party in session.scalars(select(Party).where(Party.role == "joint"))]
    assert sorted(names) == sorted(["江月", "柳原"])


def test_danger_heads_the_queue(city: City, clock: FixedClock) -> None:
    done = take_form(city.db, clock, [], replace(FORM, title="厨房有很重的燃气味"), TOKEN)
    assert (done.case.danger, done.case.priority) == ("gas", 0)


def test_a_draft_waits(city: City, clock: FixedClock) -> None:
    done = take_form(city.db, clock, [], PetitionForm(title="", body="还没想好怎么写", draft=True), TOKEN)
    assert done.case.stage == "draft" and done.submission.submitted_at is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "短"}, "title"),
        ({"title": "长" * 51}, "title"),
        ({"title": "  \u200b\u200b "}, "title"),
        ({"body": "太短了"}, "body"),
        ({"body": "长" * 2001}, "body"),
        ({"place": "长" * 201}, "place"),
        ({"name": " "}, "name"),
        ({"name": "长" * 41}, "name"),
        ({"phone": ""}, "phone"),
        ({"phone": "1380000260"}, "phone"),
        ({"behalf_phone": "123"}, "behalf_phone"),
        ({"id_number": "110101199003070000"}, "id_number"),
        ({"disclosure": "secret"}, "disclosure"),
        ({"track": "other"}, "track"),
        ({"occurred_at": AT + timedelta(minutes=5)}, "occurred_at"),
        ({"area_id": 12345}, "area"),
        ({"level1": "没有这一类"}, "level1"),
        ({"joint": ("长" * 41,)}, "joint"),
    ],
)
def test_each_fault_has_its_sentence(city: City, clock: FixedClock, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        take_form(city.db, clock, [], replace(FORM, **changes), TOKEN)
    assert list(refused.value.fields) == [field]
    assert refused.value.fields[field].endswith("。")
    assert count(city.db, Submission) == 0


def test_all_faults_at_once(city: City, clock: FixedClock) -> None:
    with pytest.raises(Invalid) as refused:
        take_form(city.db, clock, [], PetitionForm(title="", body="", area_id=1), "bad")
    assert set(refused.value.fields) == {"title", "body", "name", "phone", "area", "token"}


def test_six_files_are_too_many(city: City, clock: FixedClock) -> None:
    files = [FileGiven(f"{at}.jpg", "image", "image/jpeg", 1, "a" * 64, f"files/{at}") for at in range(6)]
    with pytest.raises(Invalid) as refused:
        take_form(city.db, clock, files, FORM, TOKEN)
    assert list(refused.value.fields) == ["files"]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_call_is_registered(city: City, clock: FixedClock) -> None:
    done = take_call(city.db, clock, city.actor("fang.yating"), CALL, TOKEN)
    made = done.submission
    assert (made.origin, made.channel, made.title) == ("desk", "hotline", "书院里小区停水两天了，没有通知")
    assert made.area_id == city.area("TC010101") and done.code is not None
    with city.db.read() as session:
        point = session.scalars(select(ContactPoint)).one()
    assert point.value == "+8613800002607" and point.verified_at is not None  # the exchange vouches for it


def test_a_number_that_was_only_told_is_not_proved(city: City, clock: FixedClock) -> None:
    take_call(city.db, clock, city.actor("fang.yating"), replace(CALL, phone="13900001111"), TOKEN)
    with city.db.read() as session:
        point = session.scalars(select(ContactPoint)).one()
    assert (point.value, point.verified_at) == ("+8613900001111", None)


def test_only_who_may_register_registers(city: City, clock: FixedClock) -> None:
    with pytest.raises(Forbidden):
        take_call(city.db, clock, city.actor("huo.yan"), CALL, TOKEN)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda call: replace(call, body="停水", title="停水"), "body"),
        (lambda call: replace(call, phone="12"), "phone"),
        (lambda call: replace(call, channel="web"), "channel"),
        (lambda call: replace(call, who="长" * 201), "who"),
    ],
)
def test_a_calls_faults(city: City, clock: FixedClock, change: Callable[[CallForm], CallForm], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        take_call(city.db, clock, city.actor("fang.yating"), change(CALL), TOKEN)
    assert list(refused.value.fields) == [field]


# --- who wrote is told by no masked text ------------------------------------------------------------------------------


def test_a_declared_name_is_hidden_where_it_stands_without_a_cue(city: City, clock: FixedClock) -> None:
    form = replace(
        FORM, disclosure="confidential", name="欧阳建国", title="欧阳建国反映夜里施工",
        body="欧阳建国，东湖区书院里小区，工地连续三晚施工。代填的是林小满，一起签名的有 何 大川。",
        place="欧阳建国家楼下",
        behalf_of="林小满", behalf_phone="13900001111", joint=("何大川",),
    )  # fmt: skip
    done = take_form(city.db, clock, [], form, TOKEN)
    with city.db.read() as session:
        made = session.get_one(Submission, done.submission.id)
        case = session.scalars(select(Case)).one()
    assert made.body == form.body and made.title == form.title
    assert made.body_masked == "****，东湖区书院里小区，工地连续三晚施工。代填的是***，一起签名的有 ****。"
    assert made.title_masked == case.title == "****反映夜里施工" and made.place_masked == "****家楼下"


@pytest.mark.parametrize("disclosure", ["confidential", "anonymous"])
def test_a_caller_is_hidden_in_what_the_agent_typed(city: City, clock: FixedClock, disclosure: str) -> None:
    call = replace(CALL, name="欧阳建国", body="欧阳建国，书院里小区停水两天了，没有通知", disclosure=disclosure)
    take_call(city.db, clock, city.actor("fang.yating"), call, TOKEN)
    with city.db.read() as session:
        made = session.scalars(select(Submission)).one()
    assert made.body_masked == "****，书院里小区停水两天了，没有通知" and "欧阳" not in made.title_masked
