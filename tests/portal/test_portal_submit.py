"""/submit: what is stored and shown, once, whatever goes wrong."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select, update

from cases.models import Alert, Attachment, Case, Party, QueryCode, Submission
from core.clock import FixedClock
from core.files import FileStore
from intake.answers import danger_advice
from search.service import SearchService
from tests.portal.conftest import FORM, Petitions, field, form, text_of


def picture(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG")
    return out.getvalue()


def rows(city: Any, model: Any) -> list[Any]:
    with city.db.read() as session:
        return list(session.scalars(select(model)))


def test_a_petition_is_stored_and_number_and_code_are_shown(client: FlaskClient, city: Any) -> None:
    sent = client.post("/submit", data=form(consent="yes", area=str(city.area("TC0101"))))
    assert sent.status_code == 303
    done = client.get("/submit/done")
    [row] = rows(city, Submission)
    assert (row.title, row.body, row.disclosure, row.consent_publish) == (FORM["title"], FORM["body"], "named", True)
    assert row.area_id == city.area("TC0101")
    assert "138" not in row.body_masked
    assert f"{row.number[:6]} {row.number[6:9]} {row.number[9:]}" in text_of(done)
    code = re.search(r"\d{4} \d{4}(?= )", text_of(done).split("查询码", 1)[1])
    assert code is not None
    opened = client.post("/progress", data={"number": row.number, "query_code": code[0]})
    assert opened.status_code == 303
    assert FORM["title"] in text_of(client.get("/progress"))


def test_nothing_is_chosen_beforehand(client: FlaskClient) -> None:
    page = client.get("/submit").get_data(as_text=True)
    assert "checked" not in page
    assert not field(client.get("/submit"), "title")[0]


def test_consent_that_was_not_given_is_not_consent(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form())
    assert rows(city, Submission)[0].consent_publish is None


def test_every_fault_is_named_and_nothing_typed_is_lost(client: FlaskClient, city: Any) -> None:
    answer = client.post("/submit", data=form(body="太吵了", phone="1381234260", name="", disclosure="confidential"))
    assert answer.status_code == 400
    page = text_of(answer)
    assert "有 3 处要改" in page
    assert "太吵了" in page
    assert FORM["title"] in field(answer, "title")
    assert not rows(city, Submission)


def test_a_valid_file_survives_another_fields_error_and_is_stored_once(
    client: FlaskClient, city: Any, app: flask.Flask
) -> None:
    data = form(name="", files=[(io.BytesIO(picture()), "../../工地.jpg"), (io.BytesIO(b"MZ evil"), "游戏.exe")])
    first = client.post("/submit", data=data, content_type="multipart/form-data")
    assert first.status_code == 400
    assert "程序文件" in text_of(first)
    assert "工地.jpg" in text_of(first)
    [token] = field(first, "file_token")
    assert client.post("/submit", data=form(file_token=token)).status_code == 303
    [stored] = rows(city, Attachment)
    assert (stored.name, stored.kind) == ("工地.jpg", "image")
    assert Image.open(io.BytesIO(app.extensions["hub"].get(FileStore).read(stored.key))).size == (40, 30)


def test_a_changed_file_token_names_nothing(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form(file_token="aesgcm.k1.AAAA"))
    assert not rows(city, Attachment)


def test_more_than_five_files_are_refused_and_five_kept(client: FlaskClient) -> None:
    files = [(io.BytesIO(picture()), f"{n}.jpg") for n in range(6)]
    answer = client.post("/submit", data=form(files=files), content_type="multipart/form-data")
    assert answer.status_code == 400
    assert "最多 5 个文件" in text_of(answer)
    assert len(field(answer, "file_token")) == 5


def test_a_file_can_be_taken_out_again(client: FlaskClient) -> None:
    files = [(io.BytesIO(picture()), "一.jpg"), (io.BytesIO(picture("blue")), "二.jpg")]
    kept = client.post("/submit", data=form(name="", files=files), content_type="multipart/form-data")
    answer = client.post("/submit", data=form(file_token=field(kept, "file_token"), do="remove:0"))
    assert "一.jpg" not in text_of(answer)
    assert "二.jpg" in text_of(answer)


def test_a_double_click_is_one_submission_and_shows_the_same_code(
    app: flask.Flask, client: FlaskClient, city: Any
) -> None:
    data = form()

    def send(_n: int) -> str:
        browser = app.test_client()
        assert browser.post("/submit", data=data).status_code == 303
        return text_of(browser.get("/submit/done"))

    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(send, range(4)))
    [row] = rows(city, Submission)
    codes = {re.search(r"\d{4} \d{4}(?= )", page.split("查询码", 1)[1])[0] for page in pages}  # type: ignore[index]
    assert len(codes) == 1
    assert client.post("/progress", data={"number": row.number, "query_code": codes.pop()}).status_code == 303


def test_a_repeat_after_the_first_answer_was_lost_gets_a_code_that_works(
    client: FlaskClient, city: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import portal.submit

    data = form()
    client.post("/submit", data=data)
    monkeypatch.setattr(portal.submit, "_receipts", portal.submit._Receipts())  # as in another process
    client.post("/submit", data=data)
    page = text_of(client.get("/submit/done"))
    code = re.search(r"\d{4} \d{4}(?= )", page.split("查询码", 1)[1])
    [row] = rows(city, Submission)
    assert code is not None
    assert client.post("/progress", data={"number": row.number, "query_code": code[0]}).status_code == 303


def test_an_exact_copy_with_another_form_gives_the_number_and_no_code(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form())
    client.post("/progress/leave")
    client.post("/submit", data=form())
    page = text_of(client.get("/submit/done"))
    assert len(rows(city, Submission)) == 1
    assert "先前已经收到" in page
    assert len(rows(city, QueryCode)) == 1
    assert "查进度" in text_of(client.get("/progress"))
    assert FORM["body"] not in text_of(client.get("/progress"))


def test_the_form_works_after_two_hours(app: flask.Flask, city: Any, clock: FixedClock) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    page = browser.get("/submit")
    clock.advance(timedelta(hours=2))
    data = form(csrf_token=field(page, "csrf_token")[0], form_token=field(page, "form_token")[0])
    assert browser.post("/submit", data=data).status_code == 303
    assert len(rows(city, Submission)) == 1


def test_a_wrong_form_token_is_refused_with_what_was_typed(app: flask.Flask, city: Any) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = app.test_client().post("/submit", data=form(csrf_token="wrong"), headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 400
    assert FORM["body"] in text_of(answer)
    assert not rows(city, Submission)


def test_of_an_accusation_the_receipt_says_that_appointed_persons_alone_read_it(client: FlaskClient) -> None:
    client.post("/submit", data=form(title="举报城管队长", body="我举报城市管理局队长收红包，拿了商户两千元"))
    page = text_of(client.get("/submit/done"))
    assert "收到了，只有指定人员能看到" in page and "不转给其他部门" in page
    assert "负责的部门" not in page and "由哪个部门负责" not in page and "办理人员" not in page


def test_script_in_every_field_is_only_text(client: FlaskClient, city: Any) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    names = ("title", "body", "place", "who", "name", "phone", "behalf_of", "area", "level1", "form_token",
             "draft_of", "file_token", "number", "joint")  # fmt: skip
    answer = client.post("/submit", data=form(**dict.fromkeys(names, evil), behalf="1"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert not rows(city, Submission)


def test_script_in_a_stored_petition_is_only_text(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    evil = "<script>alert(1)</script>路灯不亮"
    given = petitions.submit(title=evil, body=evil * 2, place=evil)
    page = opened(given).get("/progress").get_data(as_text=True)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_trap_for_machines_keeps_what_a_person_typed(client: FlaskClient, city: Any) -> None:
    answer = client.post("/submit", data=form(website="http://spam.example"))
    assert answer.status_code == 400
    assert "请留空" in text_of(answer)
    assert FORM["title"] in field(answer, "title")
    assert not rows(city, Submission)


def test_danger_to_life_is_answered_at_once(client: FlaskClient, city: Any) -> None:
    client.post(
        "/submit", data=form(title="楼道里有很重的煤气味", body="楼道里燃气泄漏，味道很重，有人头晕，请马上来人处理。")
    )
    page = text_of(client.get("/submit/done"))
    assert "110 / 119 / 120" in page
    assert [case.priority for case in rows(city, Case)] == [0]
    assert len(rows(city, Alert)) == 1
    # Who waits for the fire brigade is not told of working days.
    after = page.split("接下来会怎样", 1)[1].split("还想补充", 1)[0]
    assert danger_advice("gas") in page and "12356" not in page
    assert "值班人员" in after and "最迟" not in after and "受理后" not in after


def test_who_despairs_is_told_of_the_line_that_listens(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form(title="实在撑不下去了", body="欠薪半年没有着落，真的不想活了，不知道找谁。"))
    assert [case.danger for case in rows(city, Case)] == ["life"]
    assert "12356" in text_of(client.get("/submit/done"))


def test_the_receipt_speaks_of_the_way_that_the_matter_takes(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form())
    hotline = text_of(client.get("/submit/done"))
    assert "可以要求重办" in hotline and "复查" not in hotline
    with city.db.write() as session:
        session.execute(update(Case).values(track="petition"))
    petition = text_of(client.get("/submit/done"))
    assert "30 日内申请复查" in petition and "重办" not in petition


def test_anonymous_keeps_no_name(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form(disclosure="anonymous", name="王小梅", phone=""))
    [row] = rows(city, Submission)
    assert row.citizen_id is None
    assert [party.name for party in rows(city, Party) if party.role == "reporter"] == []


def test_on_behalf_of_somebody(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form(behalf="1", behalf_of="李大爷", behalf_phone="13912345678"))
    names = {party.role: party.name for party in rows(city, Party)}
    assert (names["reporter"], names["agent"]) == ("李大爷", "王小梅")


def test_a_draft_is_kept_taken_up_again_and_handed_in_under_its_number(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form(do="save", body="", name="", phone="", title="还没想好"))
    page = text_of(client.get("/submit/done"))
    code = re.search(r"\d{4} \d{4}(?= )", page.split("查询码", 1)[1])
    [row] = rows(city, Submission)
    assert row.submitted_at is None
    assert rows(city, Case)[0].stage == "draft"
    client.post("/progress/leave")
    assert code is not None
    opened = client.post("/submit/draft", data={"number": row.number, "query_code": code[0]})
    assert opened.headers["Location"].endswith("/submit?draft=1")
    kept = client.get("/submit?draft=1")
    assert field(kept, "title") == ["还没想好"]
    draft_of = field(kept, "draft_of")[0]
    handed = client.post("/submit", data=form(draft_of=draft_of))
    assert handed.status_code == 303
    [after] = rows(city, Submission)
    assert (after.number, after.title, after.submitted_at is not None) == (row.number, FORM["title"], True)
    assert rows(city, Case)[0].stage == "review"
    assert rows(city, Case)[0].title == FORM["title"]
    again = client.post("/submit", data=form(draft_of=draft_of, title="另一个标题不应写入"))
    assert again.status_code == 303
    assert rows(city, Submission)[0].title == FORM["title"]


def test_a_drafts_files_come_back(client: FlaskClient, city: Any) -> None:
    files = [(io.BytesIO(picture()), "工地.jpg")]
    client.post("/submit", data=form(do="save", files=files), content_type="multipart/form-data")
    kept = client.get("/submit?draft=1")
    assert "工地.jpg" in text_of(kept)
    client.post("/submit", data=form(draft_of=field(kept, "draft_of")[0], file_token=field(kept, "file_token")))
    assert [row.name for row in rows(city, Attachment)] == ["工地.jpg"]


def test_similar_replies_are_shown_between_writing_and_sending(
    client: FlaskClient, city: Any, petitions: Petitions, search: SearchService
) -> None:
    earlier = petitions.submit()
    petitions.answer(earlier)
    public_id = petitions.publish(
        earlier, "工地夜间施工打桩噪声", "工地连续三晚施工到凌晨，打桩声很大。", "已责令工地停止夜间施工，安排巡查。"
    )
    search.rebuild("reply")
    step = client.post("/submit", data=form())
    assert step.status_code == 200
    assert "还没有提交" in text_of(step)
    assert f"/replies/{public_id}" in step.get_data(as_text=True)
    assert len(rows(city, Submission)) == 1
    hidden = {
        name: field(step, name)[0] for name in ("title", "body", "name", "phone", "form_token", "seen", "disclosure")
    }
    back = client.post("/submit", data={**hidden, "do": "edit"})
    assert field(back, "name") == ["王小梅"]
    assert client.post("/submit", data={**hidden, "do": "send"}).status_code == 303
    assert len(rows(city, Submission)) == 2
    live = client.post("/submit/similar", data={"title": FORM["title"], "body": FORM["body"]})
    assert f"/replies/{public_id}" in live.get_data(as_text=True)
    assert client.post("/submit/similar", data={"title": "公园", "body": "种树"}).status_code == 204


def test_control_characters_and_null_do_no_harm(client: FlaskClient, city: Any) -> None:
    odd = "\x00\u202e\u200b"
    answer = client.post(
        "/submit", data=form(title="路灯" + odd + "不亮了", level1=odd, place=odd, name="王" + odd, area=odd)
    )
    assert answer.status_code in {303, 400}
    kept = client.post("/submit", data=form(title="路灯" + odd + "不亮了", body=FORM["body"] + odd))
    assert kept.status_code == 303
    [row] = rows(city, Submission)
    assert row.title_masked == "路灯不亮了"


def test_the_words_that_were_searched_for_come_along(client: FlaskClient) -> None:
    assert field(client.get("/submit?about=路灯不亮"), "title") == ["路灯不亮"]


def test_every_submission_has_a_case(client: FlaskClient, city: Any) -> None:
    client.post("/submit", data=form())
    with city.db.read() as session:
        assert session.scalar(select(func.count(Case.id))) == 1


def test_done_without_a_receipt_leads_to_progress(client: FlaskClient) -> None:
    assert client.get("/submit/done").status_code == 302
