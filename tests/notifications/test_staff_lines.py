"""The lines of staff: of each kind to whoever must act, and never to somebody who may not see the case."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from structlog.testing import capture_logs

from cases import clocks, history, readerless, sweep
from cases.models import Case, CaseClock, ContactPoint, Event
from cases.operations import accusations, alerts, closing, handling, messages, policies, requests, supervising
from cases.operations import citizens as people
from channels.contract import Rejected
from core.clock import LOCAL
from core.ids import grouped
from notifications import staff
from notifications.models import Notice, StaffNotice
from notifications.templates import STAFF_KINDS
from organisations import accounts
from organisations.models import Account, Organisation, RoleGrant
from organisations.people import CITIZEN
from tests.notifications.conftest import Room
from tests.workbench.conftest import Desk

# Who works at 市城管局 in the demonstration city.
HANDLER, HEAD = "huo.yan", "miao.qingshan"
OFFICER = "pei.zhengyu"
DUTY = {"fang.yating", "qiao.man", "geng.hao", "zhuang.xiaoli", "ji.siyuan", "lai.xue", "shangguan.min", "niu.guoqiang",
        "yan.kai", OFFICER, "shi.lan", "dou.jianping", "tan.xiuzhen", "mu.qing", "xue.feng", "song.he"}  # fmt: skip


def told(room: Room, kind: str) -> set[str]:
    """Who got a line of this kind, each once, also when the jobs run again."""
    room.tell()
    room.again()
    lines = room.lines(kind)
    assert all(len(kinds) == 1 for kinds in lines.values()), lines
    return set(lines)


def in_hand(desk: Desk, claimed: bool = True) -> tuple[int, int]:
    """A case that 霍岩 signed (and so has claimed, or not), with its assignment."""
    case_id = desk.in_hand()
    row = desk.assignment(case_id)
    with desk.db.write() as session:
        if claimed:
            handling.claim(session, desk.handler(), desk.clock.now(), row.id)
    return case_id, row.id


def test_every_line_has_words() -> None:
    kinds = {kind for kind, _whom in staff._WHOM.values() if kind} | {"yellow", "red", "no_reader"}
    assert kinds == STAFF_KINDS.keys()


def test_an_assignment_is_told_to_the_office(room: Room) -> None:
    room.desk.sent()
    assert told(room, "assigned") == {HANDLER, HEAD}


def test_returning_is_told_to_whoever_assigned(room: Room) -> None:
    case_id = room.desk.sent()
    row = room.desk.assignment(case_id)
    with room.desk.db.write() as session:
        handling.return_(session, room.desk.handler(), room.desk.clock.now(), row.id, reason="不是我局职责")
    assert told(room, "returned") == {OFFICER}


def test_feedback_and_its_return(room: Room) -> None:
    case_id = room.desk.fed_back()
    assert told(room, "fed_back") == {OFFICER}
    with room.desk.db.write() as session:
        row = room.desk.assignment(case_id)
        closing.send_back(session, room.desk.officer(), room.desk.clock.now(), row.id, reason="没有写明时间")
    assert HANDLER in told(room, "sent_back")


@pytest.mark.parametrize("grant", [True, False])
def test_requests_and_what_became_of_them(room: Room, grant: bool) -> None:
    _case_id, row_id = in_hand(room.desk)
    desk, at = room.desk, room.desk.clock.now()
    with desk.db.write() as session:
        asked = requests.ask_extension(session, desk.handler(), at, row_id, days=3, reason="等设备").id
    assert told(room, "requested") == {OFFICER}
    with desk.db.write() as session:
        (requests.grant if grant else requests.refuse_request)(session, desk.officer(), at, asked)
    assert told(room, "decided") == {HANDLER}


def test_a_citizen_urges_adds_and_objects(room: Room) -> None:
    case_id, _row = in_hand(room.desk)
    desk, at = room.desk, room.desk.clock.now()
    submission = desk.submission(case_id).id
    with desk.db.write() as session:
        messages.urge(session, CITIZEN, at, submission, "快点", origin="web", origin_key="u", channel="web")
        messages.add(session, CITIZEN, at, submission, "昨晚又打", origin="web", origin_key="a", channel="web")
    assert told(room, "urged") == {HANDLER}
    assert told(room, "added") == {HANDLER}


def test_an_objection_is_told_to_whoever_assigned(room: Room) -> None:
    case_id = room.desk.answered()
    with room.desk.db.write() as session:
        submission = room.desk.submission(case_id).id
        at = room.desk.clock.now()
        messages.object_(session, CITIZEN, at, submission, "没停", origin="web", origin_key="o", channel="web")
    assert told(room, "objected") == {OFFICER}


def test_a_supervisor_presses(room: Room) -> None:
    case_id, _row = in_hand(room.desk)
    with room.desk.db.write() as session:
        who = room.desk.city.actor("dou.jianping")
        supervising.press(session, who, room.desk.clock.now(), case_id, "请今天联系群众")
    assert told(room, "pressed") == {HANDLER}


def test_who_claimed_hears_of_it_and_nobody_else_there(room: Room) -> None:
    case_id, _row = in_hand(room.desk, claimed=False)
    with room.desk.db.write() as session:
        at = room.desk.clock.now()
        messages.urge(session, CITIZEN, at, room.desk.submission(case_id).id, origin="web", origin_key="u",
                      channel="web")  # fmt: skip
    signed_by = room.desk.assignment(case_id).claimed_by_id
    assert told(room, "urged") == ({HANDLER} if signed_by else {HANDLER, HEAD})


# --- never to the wrong ones ------------------------------------------------------------------------------------------


def test_an_accusation_is_told_to_its_readers_only(room: Room) -> None:
    room.desk.accusation(decided=False)
    assert told(room, "accusation") == {"cen.lu", "bai.zhengxing"}
    assert set(room.lines()) == {"cen.lu", "bai.zhengxing"}


def test_one_that_nobody_reads_is_told_to_who_gives_out_roles_and_not_which_it_is(room: Room) -> None:
    case_id, _row = in_hand(room.desk, claimed=False)
    at = room.desk.clock.now()
    with room.desk.db.write() as session:
        session.execute(delete(RoleGrant).where(RoleGrant.role == "accusation_reader"))
        accusations.suspect_by_hand(session, room.desk.handler(), at, case_id, reason="群众说有人收钱")
    assert told(room, "no_reader") == {"admin.security"}
    with room.desk.db.read() as session:
        assert session.scalars(select(StaffNotice.case_id).where(StaffNotice.kind == "no_reader")).all() == [None]
    room.desk.grant("cen.lu", "accusation_reader")
    assert readerless.name_readers(room.desk.db, at) == 1
    assert told(room, "accusation") == {"cen.lu"}
    assert readerless.name_readers(room.desk.db, at) == 0


def test_the_accused_hear_nothing_even_where_they_were_at_work(room: Room) -> None:
    case_id, _row = in_hand(room.desk)
    room.tell()
    before = room.lines()
    with room.desk.db.write() as session:
        session.execute(update(Case).where(Case.id == case_id).values(accusation="yes"))
        at = room.desk.clock.now()
        messages.urge(session, CITIZEN, at, room.desk.submission(case_id).id, origin="web", origin_key="u",
                      channel="web")  # fmt: skip
    room.tell()
    assert room.lines() == before


def test_who_is_kept_away_hears_nothing(room: Room) -> None:
    case_id, row_id = in_hand(room.desk, claimed=False)
    with room.desk.db.write() as session:
        at = room.desk.clock.now()
        accusations.recuse(session, room.desk.officer(), at, case_id)
        handling.return_(session, room.desk.handler(), at, row_id, reason="不是我局职责")
    room.tell()
    assert OFFICER not in room.lines("returned")


def test_a_disabled_account_hears_nothing(room: Room) -> None:
    with room.desk.db.write() as session:
        session.execute(update(Account).where(Account.username == HANDLER).values(disabled_at=room.desk.clock.now()))
    room.desk.sent()
    assert told(room, "assigned") == {HEAD}


# --- danger, reminders, cards -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hour", [3, 10])
def test_danger_reaches_who_is_on_duty_at_any_hour(room: Room, hour: int) -> None:
    room.desk.clock.set(datetime(2026, 11, 29, hour, tzinfo=LOCAL))  # a Sunday
    room.desk.submit(danger="gas")
    assert told(room, "danger") == DUTY


def test_danger_is_not_told_to_who_is_kept_away(room: Room) -> None:
    case_id = room.desk.waiting()
    with room.desk.db.write() as session:
        at = room.desk.clock.now()
        accusations.recuse(session, room.desk.officer(), at, case_id)
        alerts.raise_(session, at, session.get_one(Case, case_id), "gas")
    assert told(room, "danger") == DUTY - {OFFICER}


def use(room: Room, policy_set: str) -> None:
    with room.desk.db.write() as session:
        policies.use_set(session, room.desk.city.actor("admin.system"), room.desk.clock.now(), policy_set)


def late_to(room: Room, *levels: str) -> None:
    """The handling clock is swept at each moment when it earns the next of these."""
    for level in levels:
        with room.desk.db.read() as session:
            clock = session.scalars(select(CaseClock).where(CaseClock.kind == "handle")).one()
            (moment,) = [at for one, at in clocks.pending_cards(session, clock) if one == level]
        room.desk.clock.set(moment + timedelta(minutes=1))
        sweep.sweep(room.desk.db, room.desk.clock)


def test_a_reminder_waits_for_working_time(room: Room) -> None:
    use(room, "meizhou")
    case_id, row_id = in_hand(room.desk)
    saturday = datetime(2026, 11, 28, 22, tzinfo=LOCAL)
    room.desk.clock.set(saturday)
    with room.desk.db.write() as session:
        case = session.get_one(Case, case_id)
        data = {"level": "reminder"}
        history.append(session, case, "reminded", saturday, assignment_id=row_id, data=data)
    room.tell()
    assert room.lines("reminder") == {}
    room.desk.clock.set(datetime(2026, 11, 30, 8, 29, tzinfo=LOCAL))
    room.tell()
    assert room.lines("reminder") == {}
    room.desk.clock.set(datetime(2026, 11, 30, 9, 1, tzinfo=LOCAL))
    assert told(room, "reminder") == {HANDLER}


def test_a_yellow_card_is_told_to_both_sides(room: Room) -> None:
    in_hand(room.desk)
    late_to(room, "yellow")
    assert told(room, "yellow") == {HANDLER, OFFICER}


def test_a_red_card_of_zhengzhou_too(room: Room) -> None:
    in_hand(room.desk)
    late_to(room, "yellow", "red")
    assert told(room, "red") == {HANDLER, OFFICER}


def test_a_red_card_of_meizhou_goes_up_to_the_leader(room: Room) -> None:
    use(room, "meizhou")
    in_hand(room.desk)
    late_to(room, "reminder", "yellow", "red")
    supervisors = {"niu.guoqiang", "dou.jianping", "tan.xiuzhen"}
    leaders = {"yu.chengzhi", "mo.shaohua"}
    assert told(room, "yellow") == {HANDLER, OFFICER}
    assert told(room, "red") == {HANDLER, HEAD, OFFICER, *leaders, *supervisors}


def give_phone(room: Room, username: str, phone: str) -> None:
    with room.desk.db.write() as session:
        who, at = room.desk.city.actor("admin.security"), room.desk.clock.now()
        accounts.set_phone(session, who, at, room.desk.city.actor(username).account_id, phone)


def test_a_red_card_of_meizhou_is_texted_in_working_time(room: Room) -> None:
    use(room, "meizhou")
    case_id, _row = in_hand(room.desk)
    for username, phone in ((HANDLER, "13811112222"), ("yu.chengzhi", "138 3333 4444"), ("lai.xue", "13855556666")):
        give_phone(room, username, phone)
    room.tell()
    room.sms.sent.clear()
    late_to(room, "reminder", "yellow", "red")
    number = room.desk.case(case_id).number
    text = f"【12345热线】办件 {grouped(number)} 已超期，市城管局收到红牌，请登录工作台尽快处理。"
    room.tell()
    room.desk.later(days=3)
    room.tell()
    room.again()
    assert sorted((message.to, message.text) for message in room.sms.sent if "红牌" in message.text) == [
        ("+8613811112222", text), ("+8613833334444", text),
    ]  # fmt: skip


def test_a_red_card_of_zhengzhou_is_not_texted(room: Room) -> None:
    in_hand(room.desk)
    give_phone(room, HANDLER, "13811112222")
    late_to(room, "yellow", "red")
    assert [text for text in room.tell() if "红牌" in text] == []


# --- danger by text message -------------------------------------------------------------------------------------------

CHIEF, GAS_DUTY = "niu.guoqiang", "lu.qiming"  # on duty at 市12345热线中心 and at 市燃气公司


def texts(room: Room, kind: str = "danger") -> list[tuple[str, str, str]]:
    """The texts of a kind to staff: to whom, in what words, how far; also after the jobs ran again."""
    room.tell()
    room.again()
    with room.desk.db.read() as session:
        rows = session.scalars(select(Notice).where(Notice.kind == kind).order_by(Notice.created_at, Notice.id))
        return [
            (str(session.get_one(ContactPoint, row.contact_point_id).value), str(row.text), row.state) for row in rows
        ]


def words(room: Room, case_id: int) -> str:
    return f"【12345热线】办件 {grouped(room.desk.case(case_id).number)} 涉及人身安全，请立即登录工作台处置。"


def test_danger_is_texted_to_the_duty_officer_at_night(room: Room) -> None:
    give_phone(room, CHIEF, "13811112222")
    give_phone(room, GAS_DUTY, "13833334444")  # nothing of theirs
    give_phone(room, OFFICER, "13855556666")  # not on duty
    room.desk.clock.set(datetime(2026, 11, 29, 3, tzinfo=LOCAL))  # a Sunday
    case_id = room.desk.submit(danger="gas")
    assert texts(room) == [("+8613811112222", words(room, case_id), "sent")]
    assert [message.to for message in room.sms.sent if "人身安全" in message.text] == ["+8613811112222"]


def test_danger_is_texted_again_until_it_was_seen(room: Room) -> None:
    give_phone(room, CHIEF, "13811112222")
    case_id = room.desk.submit(danger="gas")
    for _ in range(4):
        room.desk.later(minutes=6)
        sweep.sweep(room.desk.db, room.desk.clock)
    with room.desk.db.read() as session:
        resent = session.scalars(select(Event).where(Event.case_id == case_id, Event.kind == "alert_resent")).all()
    assert len(resent) >= 1
    assert texts(room) == [("+8613811112222", words(room, case_id), "sent")] * (1 + len(resent))


@pytest.mark.parametrize("accusation", ["no", "possible"])
def test_danger_is_texted_to_the_office_at_work_that_may_see_it(room: Room, accusation: str) -> None:
    give_phone(room, CHIEF, "13811112222")
    give_phone(room, GAS_DUTY, "13833334444")
    case_id = room.desk.sent("TC-RQ")
    with room.desk.db.write() as session:
        case = session.get_one(Case, case_id)
        case.accusation = accusation
        alerts.raise_(session, room.desk.clock.now(), case, "gas")
    office = [("+8613833334444", words(room, case_id), "sent")] if accusation == "no" else []
    assert sorted(texts(room)) == [("+8613811112222", words(room, case_id), "sent"), *office]
    assert set(room.lines("danger")) == DUTY | ({GAS_DUTY} if office else set())


@pytest.mark.parametrize("missing", ["officer", "phone", "account"])
def test_without_somebody_to_text_the_lines_are_written_and_it_is_logged(room: Room, missing: str) -> None:
    if missing != "phone":
        give_phone(room, CHIEF, "13811112222")
    with room.desk.db.write() as session:
        if missing == "officer":
            session.execute(update(Organisation).values(duty_account_id=None))
        if missing == "account":
            session.execute(update(Account).where(Account.username == CHIEF).values(disabled_at=room.desk.clock.now()))
    with capture_logs() as logged:
        room.desk.submit(danger="gas")
        room.tell()
    assert texts(room) == []
    assert set(room.lines("danger")) == DUTY - ({CHIEF} if missing == "account" else set())
    assert [entry["event"] for entry in logged].count("danger_texted_to_nobody") == 1


def test_a_duty_officer_kept_away_is_not_texted(room: Room) -> None:
    give_phone(room, CHIEF, "13811112222")
    case_id = room.desk.waiting()
    with room.desk.db.write() as session:
        at = room.desk.clock.now()
        accusations.recuse(session, room.desk.city.actor(CHIEF), at, case_id)
        alerts.raise_(session, at, session.get_one(Case, case_id), "gas")
    assert texts(room) == []


def test_the_duty_officer_of_another_county_is_left_alone(room: Room) -> None:
    give_phone(room, "mu.qing", "13811112222")
    with room.desk.db.write() as session:
        mine = room.desk.city.actor("mu.qing")
        session.execute(
            update(Organisation).where(Organisation.id.in_(mine.organisation_ids)).values(
                duty_account_id=mine.account_id
            )
        )  # fmt: skip
    room.desk.submit(danger="gas", area_id=room.desk.city.area("TC02"))
    assert texts(room) == []
    inside = room.desk.submit(danger="gas", body="梧桐里三号楼有燃气味，很浓。", area_id=room.desk.city.area("TC0101"))
    assert texts(room) == [("+8613811112222", words(room, inside), "sent")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_stop_does_not_silence_danger(room: Room, when: str) -> None:
    give_phone(room, CHIEF, "13811112222")

    def stop() -> None:
        with room.desk.db.write() as session:
            people.set_stopped(session, "phone", "13811112222", room.desk.clock.now(), True)

    if when == "before":
        stop()
    case_id = room.desk.submit(danger="gas")
    if when == "after":
        with room.desk.db.write() as session:
            (event,) = session.scalars(select(Event).where(Event.kind == "alert_raised"))
            staff.tell_of(session, event)
        stop()
    assert texts(room) == [("+8613811112222", words(room, case_id), "sent")]


def test_stop_does_not_silence_a_red_card(room: Room) -> None:
    use(room, "meizhou")
    in_hand(room.desk)
    give_phone(room, HANDLER, "13811112222")
    with room.desk.db.write() as session:
        people.set_stopped(session, "phone", "13811112222", room.desk.clock.now(), True)
    late_to(room, "reminder", "yellow", "red")
    room.tell()
    room.desk.later(days=3)
    assert [state for _to, _text, state in texts(room, "red_card")] == ["sent"]


def test_what_the_provider_refuses_is_not_sent(room: Room) -> None:
    give_phone(room, CHIEF, "13811112222")
    room.desk.submit(danger="gas")
    room.sms.fails = [Rejected("opted_out")]
    assert [state for _to, _text, state in texts(room)] == ["failed"]
    assert [message for message in room.sms.sent if "人身安全" in message.text] == []


# --- a person's own lines ---------------------------------------------------------------------------------------------


def test_lines_are_read_one_by_one_or_all(room: Room) -> None:
    room.desk.sent()
    room.desk.sent(title="另一处工地", body="另一处工地也在夜里打桩，扰民。")
    room.tell()
    me, other = (room.desk.city.actor(name).account_id for name in (HANDLER, HEAD))
    with room.desk.db.write() as session:
        first = staff.unread(session, me)[0].id
        staff.mark_read(session, other, room.desk.clock.now(), first)  # not theirs
        assert staff.count_unread(session, me) == 2
        staff.mark_read(session, me, room.desk.clock.now(), first)
        assert (staff.count_unread(session, me), staff.count_unread(session, other)) == (1, 2)
        staff.mark_read(session, me, room.desk.clock.now())
        assert staff.count_unread(session, me) == 0
