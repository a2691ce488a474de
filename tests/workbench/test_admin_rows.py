"""The administrators' pages for catalogue, calendar, organisations, deadlines, words, numbers, jobs and audit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from cases.deadlines import SHIPPED
from cases.models import BlockedNumber, DeadlinePolicy, PolicySet
from cases.operations.nuisance import count_nuisance
from cases.sweep import RECOMPUTE
from classifier.taxonomy import shipped
from core import audit
from core.clock import LOCAL, FixedClock
from core.jobs import Job
from organisations import accounts
from organisations.calendar import load_calendar
from organisations.catalogue import in_force
from organisations.models import (
    Account,
    CatalogueRow,
    CatalogueVersion,
    Ground,
    OfficeHours,
    Organisation,
    Post,
    Term,
    WorkingDay,
)
from workbench.admin import words
from workbench.admin.deadlines import KINDS

SYSTEM = "admin.system"


@pytest.fixture
def admin(client: FlaskClient, sign_in: Callable[..., Any]) -> FlaskClient:
    sign_in(client, SYSTEM)
    return client


def one(city: Any, model: Any, *where: Any) -> Any:
    with city.db.read() as session:
        return session.scalars(select(model).where(*where)).one()


def draft(city: Any) -> CatalogueVersion:
    return one(city, CatalogueVersion, CatalogueVersion.state == "draft")


def rows_of(city: Any, version_id: int) -> list[CatalogueRow]:
    with city.db.read() as session:
        query = select(CatalogueRow).where(CatalogueRow.version_id == version_id).order_by(CatalogueRow.id)
        return list(session.scalars(query))


def save(admin: FlaskClient, city: Any, row: CatalogueRow | None, **changes: Any) -> Any:
    edition = draft(city)
    names = ("level1", "level2", "level3", "area_id", "lead_id", "legal_basis", "sign_hours", "handle_days", "track")
    typed = {name: getattr(row, name) for name in names} if row else {}
    around = {"row_id": row.id if row else "", "version_id": edition.id, "version": edition.version, "do": "save"}
    data = {**typed, **around, **changes}
    return admin.post("/work/admin/catalogue/rows", data={k: "" if v is None else v for k, v in data.items()})


@pytest.fixture
def other_admin(city: Any, clock: FixedClock) -> str:
    """A second system administrator."""
    with city.db.write() as session:
        actor = city.actor("admin.security")
        row = accounts.create_account(session, actor, clock.now(), "admin.second", "第二位")
        accounts.grant_role(session, actor, clock.now(), row.id, "system_admin")
    return "admin.second"


def test_a_draft_is_edited_and_published_by_a_second_person(
    admin: FlaskClient, city: Any, sign_in: Callable[..., Any], other_admin: str
) -> None:
    with city.db.read() as session:
        before = in_force(session)
    assert before is not None
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    first = rows_of(city, draft(city).id)[0]
    assert len(rows_of(city, draft(city).id)) == len(rows_of(city, before.id))
    assert save(admin, city, first, handle_days=9).status_code == 302
    page = admin.get("/work/admin/catalogue?changed=1").text
    assert "is-changed" in page and "原：" in page
    data = {"do": "publish", "version_id": draft(city).id, "version": draft(city).version}
    admin.post("/work/admin/catalogue/draft", data=data)
    assert "编制人不能自己发布" in admin.get("/work/admin/catalogue").text
    sign_in(admin, other_admin)
    admin.post("/work/admin/catalogue/draft", data=data)
    with city.db.read() as session:
        now = in_force(session)
        assert now is not None and now.number == before.number + 1
        assert session.get_one(CatalogueRow, first.id).handle_days == 9
        assert session.get_one(CatalogueVersion, before.id).state == "retired"


def test_nobody_who_changed_a_row_publishes_the_draft(
    admin: FlaskClient, city: Any, clock: FixedClock, sign_in: Callable[..., Any], other_admin: str
) -> None:
    """Who edited in between is barred too, though another edited last and a third made the draft."""
    with city.db.write() as session:
        actor = city.actor("admin.security")
        for name in ("admin.third", "admin.fourth"):
            made = accounts.create_account(session, actor, clock.now(), name, name)
            accounts.grant_role(session, actor, clock.now(), made.id, "system_admin")
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    first = rows_of(city, draft(city).id)[0]
    for days, name in ((7, other_admin), (8, "admin.third")):
        sign_in(admin, name)
        assert save(admin, city, first, handle_days=days).status_code == 302
    data = {"do": "publish", "version_id": draft(city).id, "version": draft(city).version}
    for name in (SYSTEM, other_admin, "admin.third"):
        sign_in(admin, name)
        assert "编制人不能自己发布" in admin.get("/work/admin/catalogue").text
        admin.post("/work/admin/catalogue/draft", data=data)
        assert draft(city).state == "draft"
    assert len(draft(city).editor_ids) == 2
    sign_in(admin, "admin.fourth")
    assert "第二位" in admin.get("/work/admin/catalogue").text
    admin.post("/work/admin/catalogue/draft", data=data)
    with city.db.read() as session:
        now = in_force(session)
        assert now is not None and now.id == data["version_id"]


def test_a_row_without_days_stays_open_with_what_was_typed(admin: FlaskClient, city: Any) -> None:
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    answer = save(
        admin, city, None, level1="城乡建设", level2="安全生产", sign_hours="4", handle_days="", legal_basis="办法"
    )
    assert answer.status_code == 400
    assert "请填办理期限" in answer.text and "请选择主办单位" in answer.text
    assert 'value="安全生产"' in answer.text and ">办法</textarea>" in answer.text


def test_a_row_of_no_category_is_refused(admin: FlaskClient, city: Any) -> None:
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    before = len(rows_of(city, draft(city).id))
    answer = save(admin, city, None, level1="城乡建设", level2="新的一类", sign_hours="4", handle_days="3",
                  lead_id=city.organisation("TC-CGJ"))  # fmt: skip
    assert answer.status_code == 400
    assert "没有这个内容分类" in answer.text and 'value="新的一类"' in answer.text
    assert len(rows_of(city, draft(city).id)) == before


def test_a_row_is_added_taken_out_and_brought_back(admin: FlaskClient, city: Any) -> None:
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    taken = {(row.level1, row.level2, row.level3) for row in rows_of(city, draft(city).id)}
    level1, level2, level3 = next(path for path in shipped().paths if path not in taken)
    added = save(admin, city, None, level1=level1, level2=level2, level3=level3, sign_hours="4", handle_days="3",
                 lead_id=city.organisation("TC-CGJ"))  # fmt: skip
    assert added.status_code == 302
    assert "is-new" in admin.get("/work/admin/catalogue?changed=1").text
    with city.db.read() as session:
        published = in_force(session)
    assert published is not None
    mine = rows_of(city, draft(city).id)
    theirs = rows_of(city, published.id)[0]
    key = (theirs.level1, theirs.level2, theirs.level3, theirs.area_id)
    same = next(row for row in mine if (row.level1, row.level2, row.level3, row.area_id) == key)
    save(admin, city, same, do="remove")
    assert "is-gone" in admin.get("/work/admin/catalogue?changed=1").text
    save(admin, city, theirs, do="restore")
    assert "is-gone" not in admin.get("/work/admin/catalogue?changed=1").text


@pytest.mark.parametrize("place", [0, -1])  # of the first page, or of the last
def test_two_people_in_one_draft_the_second_is_told(admin: FlaskClient, city: Any, place: int) -> None:
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    row = sorted(rows_of(city, draft(city).id), key=lambda one: (one.level1, one.level2, one.level3))[place]
    stale = draft(city).version
    save(admin, city, row, handle_days=8)
    answer = save(admin, city, row, handle_days=7, version=stale)
    assert answer.status_code == 409 and "草稿刚被别人改过" in answer.text
    assert 'name="handle_days" inputmode="numeric" value="7"' in answer.text


def test_the_same_category_and_area_twice_is_refused(admin: FlaskClient, city: Any) -> None:
    admin.post("/work/admin/catalogue/draft", data={"do": "open"})
    row = rows_of(city, draft(city).id)[0]
    answer = save(admin, city, row, row_id="")
    assert answer.status_code == 400 and "已有同一分类、同一地区的条目" in answer.text


def test_the_catalogue_is_searched_without_harm(admin: FlaskClient) -> None:
    assert "没有找到条目" in admin.get("/work/admin/catalogue?q=%25' OR '1'='1").text
    assert admin.get("/work/admin/catalogue?version=999").status_code == 404
    assert "生效中" in admin.get("/work/admin/catalogue?page=99999").text


def test_a_make_up_day_is_set_and_cleared(admin: FlaskClient, city: Any) -> None:
    path = "/work/admin/calendars"
    assert admin.post(path, data={"do": "day", "day": "2026-11-28", "works": "1", "note": "调休"}).status_code == 302
    row = one(city, WorkingDay, WorkingDay.day == date(2026, 11, 28))
    assert row.is_working and row.note == "调休"
    assert "2026-11-28" in admin.get(path).text
    admin.post(path, data={"do": f"clear:{row.id}"})
    with city.db.read() as session:
        assert not session.scalar(select(func.count()).select_from(WorkingDay))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"do": "day", "day": "", "works": "1"}, "请选择日期"),
        ({"do": "day", "day": "2026-11-28"}, "请选择这一天上班还是休息"),
        ({"do": "hours", "starts1": "09:00", "ends1": ""}, "第 1 段办公时间没有填完整"),
        ({"do": "hours", "starts1": "12:00", "ends1": "09:00"}, "结束要晚于开始"),
        ({"do": "hours", "starts1": "09:00", "ends1": "12:00", "starts2": "11:00", "ends2": "17:00"}, "不能重叠"),
        ({"do": "hours"}, "至少要有一段"),
        (
            {"do": "hours", "starts1": "09:00", "ends1": "17:00", "starts4-2": "13:00"},
            "周五的第 2 段办公时间没有填完整",
        ),
    ],
)
def test_a_wrong_calendar_says_why(admin: FlaskClient, data: dict[str, str], words: str) -> None:
    answer = admin.post("/work/admin/calendars", data=data)
    assert answer.status_code == 400 and words in answer.text


def test_an_organisation_has_hours_of_its_own(admin: FlaskClient, city: Any) -> None:
    unit = city.organisation("TC-CGJ")
    admin.post(f"/work/admin/calendars?organisation={unit}", data={"do": "hours", "starts1": "08:30", "ends1": "17:00"})
    row = one(city, OfficeHours, OfficeHours.organisation_id == unit)
    assert (row.starts, row.ends) == (time(8, 30), time(17))


def test_every_change_of_the_calendar_owes_a_new_reckoning(admin: FlaskClient, city: Any) -> None:
    path = "/work/admin/calendars"
    for works in ("1", "0"):
        admin.post(path, data={"do": "day", "day": "2026-11-28", "works": works})
    admin.post(path, data={"do": "hours", "starts1": "08:30", "ends1": "17:00"})
    with city.db.read() as session:
        owed = list(session.scalars(select(Job).where(Job.name == RECOMPUTE)))
    assert len({job.key for job in owed}) == 3
    assert {job.state for job in owed} == {"waiting"}


def test_a_weekday_has_hours_of_its_own_that_stay_when_the_others_change(admin: FlaskClient, city: Any) -> None:
    path = "/work/admin/calendars"
    form = {"do": "hours", "starts1": "09:00", "ends1": "17:00", "starts4-1": "09:00", "ends4-1": "12:00",
            "starts4-2": "13:00", "ends4-2": "15:30"}  # fmt: skip
    assert admin.post(path, data=form).status_code == 302
    with city.db.read() as session:
        rows = list(session.scalars(select(OfficeHours).order_by(OfficeHours.weekday, OfficeHours.starts)))
        friday = load_calendar(session)
    found = {(row.weekday, row.starts, row.ends) for row in rows if row.organisation_id is None}
    assert found == {(None, time(9), time(17)), (4, time(9), time(12)), (4, time(13), time(15, 30))}
    assert not friday.is_working_time(datetime(2026, 11, 27, 16, 0, tzinfo=LOCAL))
    shown = re.findall(r'name="((?:starts|ends)4-\d)"[^>]* value="([^"]*)"', admin.get(path).text)
    assert [value for _name, value in shown if value] == ["09:00", "12:00", "13:00", "15:30"]


def test_the_year_without_a_calendar_is_named(admin: FlaskClient) -> None:
    assert "2027 年的放假安排还没有" in admin.get("/work/admin/calendars").text


def test_an_organisation_is_added_changed_and_ended(admin: FlaskClient, city: Any) -> None:
    form = {"code": "TC-NEW", "name": "棠川市新设局", "short_name": "市新设局", "kind": "政府部门", "level": "city",
            "parent_id": str(city.organisation("TC-ZF")), "active": "1"}  # fmt: skip
    made = admin.post("/work/admin/organisations/new", data=form)
    assert made.status_code == 302
    assert "市新设局" in admin.get(f"/work/admin/organisations?under={city.organisation('TC-ZF')}").text
    admin.post(made.location, data={**form, "active": ""})
    row = one(city, Organisation, Organisation.code == "TC-NEW")
    assert not row.active and row.ended == date(2026, 11, 24)


def test_a_superior_cannot_be_below(admin: FlaskClient, city: Any) -> None:
    top = one(city, Organisation, Organisation.code == "TC-ZF")
    below = city.organisation("TC-CGJ")
    form = {"code": top.code, "name": top.name, "short_name": top.short_name, "kind": top.kind, "level": top.level,
            "parent_id": str(below), "active": "1"}  # fmt: skip
    answer = admin.post(f"/work/admin/organisations/{top.id}", data=form)
    assert answer.status_code == 400 and "上级不能是本单位或它的下级" in answer.text


def test_a_post_is_given_by_user_name_and_ended(admin: FlaskClient, city: Any) -> None:
    unit = city.organisation("TC-CGJ")
    path = f"/work/admin/organisations/{unit}/posts"
    wrong = admin.post(path, data={"username": "nobody.here"})
    assert wrong.status_code == 400 and "没有这个账号" in wrong.text
    admin.post(path, data={"username": "geng.hao", "title": "联络员"})
    post = one(city, Post, Post.organisation_id == unit, Post.title == "联络员")
    admin.post(path, data={"do": f"end:{post.id}"})
    assert one(city, Post, Post.id == post.id).to_date == date(2026, 11, 24)


def policy(city: Any, **where: Any) -> DeadlinePolicy:
    with city.db.read() as session:
        return session.scalars(
            select(DeadlinePolicy).filter_by(**where).order_by(DeadlinePolicy.version.desc())
        ).first()


def test_a_deadline_is_changed_as_a_new_version(admin: FlaskClient, city: Any) -> None:
    old = policy(city, policy_set="zhengzhou", track="hotline", kind="handle", nature="投诉", ended_at=None)
    form = {"amount": "4", "yellow_after": "0", "red_after": "3", "extension_max": "8"}
    assert admin.post(f"/work/admin/deadlines/{old.id}", data=form).status_code == 302
    new = policy(city, policy_set="zhengzhou", track="hotline", kind="handle", nature="投诉", ended_at=None)
    assert (new.version, new.amount, new.unit) == (old.version + 1, 4, old.unit)
    assert one(city, DeadlinePolicy, DeadlinePolicy.id == old.id).ended_at is not None


def test_a_limit_set_by_law_is_not_made_longer(admin: FlaskClient, city: Any) -> None:
    old = policy(city, policy_set="zhengzhou", track="petition", kind="handle", ended_at=None)
    answer = admin.post(f"/work/admin/deadlines/{old.id}", data={"amount": str(old.amount + 1)})
    assert answer.status_code == 400 and "法定时限，只能改短" in answer.text
    text = admin.post(f"/work/admin/deadlines/{old.id}", data={"amount": "十五"})
    assert text.status_code == 400 and "请填整数" in text.text


def test_every_kind_of_deadline_has_a_word() -> None:
    assert {policy.kind for shipped in SHIPPED.values() for policy in shipped} <= set(KINDS)


def test_another_policy_set_is_used(admin: FlaskClient, city: Any) -> None:
    admin.post("/work/admin/deadlines", data={"code": "meizhou"})
    assert one(city, PolicySet, PolicySet.active).code == "meizhou"
    assert admin.post("/work/admin/deadlines", data={"code": "nowhere"}).status_code == 404


def test_every_dictionary_that_is_seeded_has_a_name(admin: FlaskClient, city: Any) -> None:
    with city.db.read() as session:
        kinds = set(session.scalars(select(Term.kind)))
    assert kinds and kinds <= set(words.KINDS)
    page = admin.get("/work/admin/words").text
    assert '<td class="lx-muted">退办理由</td>' in page and '<td class="lx-muted">return_reason</td>' not in page


def test_a_new_word_is_of_a_dictionary_that_there_is(admin: FlaskClient, city: Any) -> None:
    page = admin.get("/work/admin/words/terms/new").text
    assert '<select class="lx-input" id="kind" name="kind"' in page and '<option value="return_reason">退办理由' in page
    form = {"kind": "retrun_reason", "code": "mistyped", "name": "不属本单位职责", "active": "1"}
    answer = admin.post("/work/admin/words/terms/new", data=form)
    assert answer.status_code == 400 and "请选择词条属于哪一类" in answer.text
    with city.db.write() as session:
        assert session.scalars(select(Term).where(Term.code == "mistyped")).all() == []
        session.add(Term(kind="own_list", code="first", name="本市自有", position=0))
    assert '<option value="own_list">own_list' in admin.get("/work/admin/words/terms/new").text
    assert admin.post("/work/admin/words/terms/new", data={**form, "kind": "own_list"}).status_code == 302
    assert one(city, Term, Term.code == "mistyped").kind == "own_list"


def test_words_and_grounds(admin: FlaskClient, city: Any) -> None:
    form = {"kind": "return_reason", "code": "own_words", "name": "不属本单位职责", "active": "1"}
    assert admin.post("/work/admin/words/terms/new", data=form).status_code == 302
    assert admin.post("/work/admin/words/terms/new", data=form).status_code == 400
    term = one(city, Term, Term.code == "own_words")
    admin.post(f"/work/admin/words/terms/{term.id}", data={"name": "不归本单位管"})
    changed = one(city, Term, Term.id == term.id)
    assert (changed.name, changed.kind, changed.active) == ("不归本单位管", "return_reason", False)
    ground = {"track": "petition", "operation": "guide", "code": "own_test", "text": "请向法院起诉。", "active": "1"}
    assert "请写明依据的条款" in admin.post("/work/admin/words/grounds/new", data=ground).text
    admin.post("/work/admin/words/grounds/new", data={**ground, "article": "信访工作条例第三十一条"})
    assert one(city, Ground, Ground.code == "own_test").article == "信访工作条例第三十一条"


def test_a_number_is_blocked_with_a_reason_and_let_through(
    client: FlaskClient, city: Any, clock: FixedClock, sign_in: Callable[..., Any]
) -> None:
    with city.db.write() as session:
        count_nuisance(session, clock.now(), "13800002607")
    sign_in(client, "dou.jianping")
    page = client.get("/work/admin/numbers").text
    assert "138****2607" in page and "13800002607" not in page
    row = one(city, BlockedNumber)
    assert "请写明限制的理由" in client.post("/work/admin/numbers", data={"do": f"block:{row.id}"}).text
    client.post("/work/admin/numbers", data={"do": f"block:{row.id}", "reason": "反复骚扰"})
    assert one(city, BlockedNumber).blocked_at is not None
    client.post("/work/admin/numbers", data={"do": f"unblock:{row.id}"})
    assert one(city, BlockedNumber).blocked_at is None


def test_a_dead_job_is_revived(admin: FlaskClient, city: Any, clock: FixedClock) -> None:
    with city.db.write() as session:
        session.add(Job(queue="jobs", name="intake.classify", key="e1", payload={}, state="dead", due=clock.now(),
                        attempts=8, error="ValueError", created_at=clock.now(), finished_at=clock.now()))  # fmt: skip
    page = admin.get("/work/admin/jobs").text
    path = re.search(r'action="(/work/admin/jobs/\d+/revive)"', page)
    assert path and "ValueError" in page and 'is-late">1<' in page
    admin.post(path.group(1))
    job = one(city, Job, Job.key == "e1")
    assert (job.state, job.attempts) == ("waiting", 0)


def test_the_audit_trail_is_filtered_paged_and_notes_its_reader(
    client: FlaskClient, city: Any, clock: FixedClock, sign_in: Callable[..., Any]
) -> None:
    with city.db.write() as session:
        me = session.scalars(select(Account).where(Account.username == "geng.hao")).one()
        for _ in range(60):
            audit.record(
                session, at=clock.now(), actor_id=me.id, action="signed_in", subject="account", subject_id=me.id
            )
    sign_in(client, "admin.audit")
    page = client.get("/work/admin/audit?who=geng.hao&action=signed_in").text
    assert page.count("<tr>") == 51 and "耿浩（geng.hao）" in page and "下一页" in page
    following = re.search(r'href="(/work/admin/audit\?[^"]*after=\d+)"', page)
    assert following
    assert client.get(following.group(1).replace("&amp;", "&")).text.count("<tr>") == 11
    assert "没有这样的记录" in client.get("/work/admin/audit?who=nobody&from=2026-11-01&to=2026-11-30").text
    with city.db.read() as session:
        last = session.scalars(select(audit.AuditEntry).order_by(audit.AuditEntry.seq.desc())).first()
        assert last is not None and last.action == "audit_read"
        assert audit.faults(session) == []


def test_an_officer_on_duty_without_a_number_is_said(admin: FlaskClient, city: Any, clock: FixedClock) -> None:
    unit = city.organisation("TC-RX")
    silent = "值班人没有登记手机号，或账号已停用"
    assert silent in admin.get(f"/work/admin/organisations/{unit}").text
    assert silent not in admin.get(f"/work/admin/organisations/{city.organisation('TC-CGJ')}").text
    with city.db.write() as session:
        officer = one(city, Organisation, Organisation.id == unit).duty_account_id
        accounts.set_phone(session, city.actor("admin.security"), clock.now(), officer, "13811112222")
    assert silent not in admin.get(f"/work/admin/organisations/{unit}").text
