"""Past petitions taken in on a real database: once, whole, quietly, and released only by two people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

import wiring
from cases import history
from cases.models import Answer, Card, Case, CaseClock, Event, PublishedReply, QueryCode, Submission, SubmissionCase
from cases.operations import publishing
from core.clock import FixedClock, to_local
from core.errors import Forbidden, Invalid
from core.jobs import Job
from intake.importing import run as importing
from intake.importing.releasing import release
from notifications.models import Notice, StaffNotice
from search.jobs import RECONCILE
from tests.conftest import City
from tests.intake.past import brain_of, row, table, take


@pytest.fixture(autouse=True)
def everybody_listens() -> None:
    """As in the real hub: who hears of events is set."""
    history.subscribe(wiring.SUBSCRIPTIONS)


def count(city: City, model: type) -> int:
    with city.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def one(city: City, key: str) -> tuple[Submission, Case]:
    query = (
        select(Submission, Case)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(Submission.origin_key == key)
    )
    with city.db.read() as session:
        return session.execute(query).tuples().one()


def rejected(report: importing.Report) -> list[list[str]]:
    assert report.rejected_file is not None
    with report.rejected_file.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


# --- taking in --------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_submission_of_its_own_time(city: City, clock: FixedClock, tmp_path: Path) -> None:
    report = take(city, clock, table(tmp_path / "a.csv", [row(1, body="青石路12号，我叫徐晓梅，电话 13812345678。")]))
    assert (report.rows, report.taken, report.rejected_file) == (1, 1, None)
    submission, case = one(city, "1")
    assert (submission.origin, submission.channel, submission.track) == ("import:old", "import", "hotline")
    assert to_local(submission.received_at).isoformat() == "2025-03-02T09:32:09+08:00"
    assert submission.imported_at == clock.now()
    assert "13812345678" in submission.body and "13812345678" not in submission.body_masked
    assert (case.stage, case.status, case.level1) == ("review", "pending", "城乡建设")


def test_an_answered_row_is_closed_and_proposed(city: City, clock: FixedClock, tmp_path: Path) -> None:
    report = take(city, clock, table(tmp_path / "a.csv", [row(1, reply="路灯已经修好。")]))
    assert (report.answered, report.proposed) == (1, 1)
    submission, case = one(city, "1")
    assert (case.stage, case.outcome, submission.served_way) == ("closed", "done", "import")
    assert submission.consent_publish is None
    with city.db.read() as session:
        answer = session.scalars(select(Answer)).one()
        reply = session.scalars(select(PublishedReply)).one()
        kinds = list(session.scalars(select(Event.kind).order_by(Event.seq)))
    assert (answer.text, answer.served_way, answer.case_id) == ("路灯已经修好。", "import", case.id)
    assert (reply.state, reply.reply, reply.proposed_by_id) == ("proposed", "路灯已经修好。", None)
    assert to_local(reply.replied_at).isoformat() == "2025-04-20T10:00:00+08:00"
    assert kinds[0] == "submitted" and kinds[-1] == "reply_proposed"


def test_without_consent_nothing_is_proposed(city: City, clock: FixedClock, tmp_path: Path) -> None:
    report = take(city, clock, table(tmp_path / "a.csv", [row(1, reply="修好了。")]), consent=False)
    assert (report.answered, report.proposed) == (1, 0)
    assert count(city, PublishedReply) == 0


def test_nobody_hears_of_the_past(city: City, clock: FixedClock, tmp_path: Path) -> None:
    rows = [row(1), row(2, reply="修好了。"), row(3, "李局长受贿", "他受贿。"), row(4, "煤气泄漏", "煤气泄漏快爆炸了")]
    take(city, clock, table(tmp_path / "a.csv", rows))
    assert {model.__name__: count(city, model) for model in (Notice, StaffNotice, Card, CaseClock, QueryCode)} == {
        "Notice": 0, "StaffNotice": 0, "Card": 0, "CaseClock": 0, "QueryCode": 0,
    }  # fmt: skip
    with city.db.read() as session:
        assert list(session.scalars(select(Job.name))) == [RECONCILE]


def test_petition_clocks_of_the_past_are_unknown(city: City, clock: FixedClock, tmp_path: Path) -> None:
    take(city, clock, table(tmp_path / "a.csv", [row(1), row(2, reply="修好了。")]), track="petition")
    for key in "12":
        submission, case = one(city, key)
        assert (case.track, case.due_at, case.promise_at, submission.promise_date) == ("petition", None, None, None)
    assert count(city, CaseClock) == 0


def test_the_history_is_whole(city: City, clock: FixedClock, tmp_path: Path) -> None:
    rows = [
        row(number, reply="修好了。" if number % 2 else "", title="受贿" if number == 5 else "") for number in range(9)
    ]
    take(city, clock, table(tmp_path / "a.csv", rows))
    with city.db.read() as session:
        assert list(history.verify(session)) == []
        assert session.scalar(select(func.count(Event.id))) > 18


def test_a_possible_accusation_is_not_proposed(city: City, clock: FixedClock, tmp_path: Path) -> None:
    report = take(city, clock, table(tmp_path / "a.csv", [row(1, "举报局长受贿", reply="已转纪委。")]))
    assert (report.accusations, report.answered, report.proposed) == (1, 1, 0)
    assert one(city, "1")[1].accusation == "possible"


def test_exact_copies_are_proposed_for_merging(city: City, clock: FixedClock, tmp_path: Path) -> None:
    rows = [row(1, "路灯不亮", "青石路路灯不亮"), row(2), row(3, "路灯不亮", "青石路路灯不亮", user="B"),
            row(4, "受贿", "受贿"), row(5, "受贿", "受贿")]  # fmt: skip
    report = take(city, clock, table(tmp_path / "a.csv", rows))
    assert report.copies == 1
    assert one(city, "3")[1].copy_of_id == one(city, "1")[1].id
    assert [one(city, key)[1].copy_of_id for key in "1245"] == [None] * 4
    again = take(city, clock, table(tmp_path / "b.csv", [row(9, "路灯不亮", "青石路路灯不亮")]))
    assert again.copies == 1
    assert one(city, "9")[1].copy_of_id == one(city, "1")[1].id


def test_who_answered_is_found_by_name(city: City, clock: FixedClock, tmp_path: Path) -> None:
    header = ("编号", "时间", "标题", "内容", "答复", "承办单位")
    rows = [
        ("1", "2025-03-01", "路灯", "路灯不亮", "修好了。", "市城管局"),
        ("2", "2025-03-01", "路", "路不平", "修了。", "无此单位"),
    ]
    take(city, clock, table(tmp_path / "a.csv", rows, header))
    with city.db.read() as session:
        offices = {answer.text: answer.author_organisation_id for answer in session.scalars(select(Answer))}
    assert offices == {"修好了。": city.organisation("TC-CGJ"), "修了。": None}


def test_the_writer_is_kept_where_the_file_names_one(city: City, clock: FixedClock, tmp_path: Path) -> None:
    header = ("编号", "姓名", "电话", "时间", "内容", "地址")
    rows = [("1", "徐晓梅", "13812345678", "2025-03-01", "路灯不亮", "梧桐里小区东侧")]
    take(city, clock, table(tmp_path / "a.csv", rows, header))
    submission, _case = one(city, "1")
    assert submission.citizen_id is not None and submission.place == "梧桐里小区东侧"


# --- again, and after a kill ------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_once(city: City, clock: FixedClock, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [row(number, reply="好。" if number % 2 else "") for number in range(5)])
    take(city, clock, path)
    report = take(city, clock, path)
    assert (report.taken, report.known, report.rejected, report.answered) == (0, 5, 0, 0)
    assert (count(city, Submission), count(city, Case), count(city, Answer)) == (5, 5, 2)


def test_an_id_twice_in_a_file(city: City, clock: FixedClock, tmp_path: Path) -> None:
    rows = [row(1, "甲", "甲的路灯"), row(1, "甲", "甲的路灯"), row(1, "乙", "乙的井盖"), row(2, "乙", "乙的井盖")]
    report = take(city, clock, table(tmp_path / "a.csv", rows))
    assert (report.rows, report.taken, report.known, report.rejected) == (4, 2, 1, 1)
    assert one(city, "1")[0].body == "甲的路灯"
    ((line, reason, *cells),) = rejected(report)
    assert (line, cells[4]) == ("4", "乙的井盖")
    assert "编号“1”" in reason and "--source" in reason


def test_an_id_known_with_another_text_is_not_lost(city: City, clock: FixedClock, tmp_path: Path) -> None:
    take(city, clock, table(tmp_path / "a.csv", [row(1, "甲", "甲的路灯")]))
    report = take(city, clock, table(tmp_path / "b.csv", [row(1, "乙", "乙的井盖"), row(2)]))
    assert (report.taken, report.known, report.rejected) == (1, 0, 1)
    assert "编号“1”" in rejected(report)[0][1]


def test_sources_stand_apart_however_long_their_names(city: City, clock: FixedClock, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [row(1)])
    for name in ("一月" * 30 + "甲", "一月" * 30 + "乙"):
        assert take(city, clock, path, source=name).taken == 1
    assert count(city, Submission) == 2


@pytest.mark.parametrize("dies_in", [1, 3])
def test_a_killed_run_goes_on_where_it_was(
    city: City, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: int
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    path = table(tmp_path / "a.csv", [row(number, reply="好。" if number % 2 else "") for number in range(11)])
    calls = iter(range(1, 100))
    whole = importing.import_answer

    def dies(*args: object, **more: object) -> Answer:
        if next(calls) == dies_in:
            raise KeyboardInterrupt
        return whole(*args, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(importing, "import_answer", dies)
        take(city, clock, path)
    stored = count(city, Submission)
    assert stored % 3 == 0 and stored < 11
    report = take(city, clock, path)
    assert (report.rows, report.known, report.taken) == (11, stored, 11 - stored)
    assert (count(city, Submission), count(city, Case), count(city, Answer)) == (11, 11, 5)
    with city.db.read() as session:
        assert list(history.verify(session)) == []


def test_progress_is_told_by_batch(
    city: City, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    plan = importing.Plan(table(tmp_path / "a.csv", [row(number) for number in range(5)]), "old")
    told: list[int] = []
    importing.run(city.db, clock, brain_of(city, clock), plan, told.append)
    assert told == [2, 2, 1]


# --- what is rejected -------------------------------------------------------------------------------------------------


def test_rejected_rows_stand_beside_with_their_reasons(city: City, clock: FixedClock, tmp_path: Path) -> None:
    rows = [row(1), row(2, time="昨天"), row(3, body="长" * 70_000), row(4, title="=1+1", time="")]
    report = take(city, clock, table(tmp_path / "a.csv", rows))
    assert (report.taken, report.rejected) == (1, 3)
    assert report.rejected_file == tmp_path / "a.csv.rejected.csv"
    found = rejected(report)
    assert [line for line, *_cells in found] == ["3", "4", "5"]
    assert ["昨天" in found[0][1], "70000" in found[1][1], "空" in found[2][1]] == [True] * 3
    assert found[1][6] == "长" * 70_000
    assert found[2][5] == "'=1+1"  # opened in a spreadsheet it must not run


def test_a_run_without_rejected_rows_removes_the_earlier_file(city: City, clock: FixedClock, tmp_path: Path) -> None:
    take(city, clock, table(tmp_path / "a.csv", [row(1, time="昨天")]))
    take(city, clock, table(tmp_path / "a.csv", [row(1)]))
    assert not (tmp_path / "a.csv.rejected.csv").exists()


def test_a_folder_that_can_not_be_written_is_a_sentence(city: City, clock: FixedClock, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [row(1, time="昨天")])
    (tmp_path / "a.csv.rejected.csv").mkdir()
    with pytest.raises(Invalid) as caught:
        take(city, clock, path)
    assert "a.csv.rejected.csv" in caught.value.fields["file"]


def test_a_formula_stays_a_text(city: City, clock: FixedClock, tmp_path: Path) -> None:
    take(city, clock, table(tmp_path / "a.csv", [row(1, "=cmd|' /C calc'!A0", "@SUM(A1)路灯不亮")]))
    submission, _case = one(city, "1")
    assert (submission.title, submission.body) == ("=cmd|' /C calc'!A0", "@SUM(A1)路灯不亮")


@pytest.mark.parametrize("content", [b"", b"\n\n", "编号,标题\n".encode()])
def test_a_file_without_header_says_so(city: City, clock: FixedClock, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(Invalid) as caught:
        take(city, clock, tmp_path / "a.csv")
    assert "表头" in "".join(caught.value.fields.values())


# --- releasing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def proposed(city: City, clock: FixedClock, tmp_path: Path) -> Iterator[Callable[[str, str], importing.Report]]:
    """Four answered rows: plain, with a telephone, a possible accusation, with a name; and how to release them."""
    rows = [row(1, reply="路灯修好了。"), row(2, reply="请拨打徐晓梅电话 13812345678。"),
            row(3, "局长受贿", reply="已转纪委。"), row(4, body="我叫徐晓梅，路灯不亮。", reply="好。")]  # fmt: skip
    path = table(tmp_path / "a.csv", rows)
    report = take(city, clock, path, consent=True)
    plan = importing.Plan(path, "old")

    def go(releaser: str, confirmer: str) -> importing.Report:
        told = replace(report)
        release(city.db, clock, plan, city.actor(releaser), city.actor(confirmer), told, lambda rows: None)
        return told

    yield go


def test_two_people_release_what_needed_no_masking(
    city: City, proposed: Callable[[str, str], importing.Report]
) -> None:
    report = proposed("zhuang.xiaoli", "pei.zhengyu")
    assert (report.proposed, report.released, report.kept_back) == (3, 1, 2)
    with city.db.read() as session:
        row_ = session.scalars(select(PublishedReply).where(PublishedReply.state == "released")).one()
        waiting, total = publishing.queue(session)
        named = session.scalars(select(Event).where(Event.kind == "reply_released")).one()
    assert row_.reply == "路灯修好了。"
    assert row_.released_by_id == named.actor_id == city.actor("zhuang.xiaoli").account_id
    assert row_.proposed_by_id == city.actor("pei.zhengyu").account_id
    assert total == 2 and all(one_.masked_count for one_ in waiting)
    assert one(city, "3")[0].id not in {one_.submission_id for one_ in waiting}


def test_releasing_again_releases_nothing_new(city: City, proposed: Callable[[str, str], importing.Report]) -> None:
    proposed("zhuang.xiaoli", "pei.zhengyu")
    assert proposed("zhuang.xiaoli", "pei.zhengyu").released == 0


@pytest.mark.parametrize(
    ("releaser", "confirmer", "error"),
    [("zhuang.xiaoli", "zhuang.xiaoli", Invalid), ("pei.zhengyu", "zhuang.xiaoli", Forbidden),
     ("zhuang.xiaoli", "admin.audit", Forbidden)],
)  # fmt: skip
def test_one_person_or_the_wrong_ones_release_nothing(
    city: City, proposed: Callable[[str, str], importing.Report], releaser: str, confirmer: str,
    error: type[Exception],
) -> None:  # fmt: skip
    with pytest.raises(error):
        proposed(releaser, confirmer)
    with city.db.read() as session:
        assert set(session.scalars(select(PublishedReply.state))) == {"proposed"}


def test_only_rows_of_this_source_are_released(
    city: City, clock: FixedClock, tmp_path: Path, proposed: Callable[[str, str], importing.Report]
) -> None:
    take(city, clock, table(tmp_path / "b.csv", [row(8, reply="修好了。")]), source="other", consent=True)
    assert proposed("zhuang.xiaoli", "pei.zhengyu").released == 1
