"""No personal value lies where it does not belong: a whole hub is given twenty, made to fail, and searched."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from sqlalchemy import select

import wiring
from cases.models import Case, Submission, SubmissionCase
from cases.operations import deciding, publishing
from core.clock import Clock
from core.config import load_settings
from core.database import Database
from organisations.models import Account
from organisations.people import actor_for
from tests.security.hub import PASSWORDS, Browser, Hub, prepare, until
from tests.security.leaks import Planted, files_of, find, rows_of

NAME, SECOND_NAME = "欧阳慕雪", "司徒明远"
PHONE, BODY_PHONE, SENDER, SEARCHED = "13958127046", "15868193027", "+8613671930258", "18767104935"
ID_NUMBER, CARD, PLATE = "330102198704125831", "6222024712098356047", "浙A7K92M"
EMAIL, ADDRESS = "muxue.ouyang86@youjian-lx.cn", "17幢2单元903室"
OPENID = "oLx9fQ2mW7tYb4RkZs8Vd1HpGc3N"
FILE_NAME, FILE_TEXT = "给慕雪看病的存折照.txt", "折子里还剩三千七百元救命钱"
PHRASE, SMS_PHRASE = "我家老母亲刚从医院接回来", "对门那户三班倒的小夫妻"
PASSWORD, WRONG_PASSWORD, NEW_PASSWORD = "lantern-by-the-7th-pier", "mistyped-harbour-gate-5", "quiet-orchard-lamp-93"
IN_ERROR, IN_LINE = "15157320894", "17706583129"

GIVEN = [
    Planted("name", NAME), Planted("second name", SECOND_NAME), Planted("phone", PHONE),
    Planted("phone in a text", BODY_PHONE), Planted("sender of a text message", SENDER[1:]),
    Planted("searched number", SEARCHED), Planted("ID number", ID_NUMBER), Planted("bank card", CARD),
    Planted("plate", PLATE), Planted("e-mail", EMAIL), Planted("address", ADDRESS), Planted("openid", OPENID),
    Planted("file name", FILE_NAME), Planted("file content", FILE_TEXT), Planted("password", PASSWORD),
    Planted("mistyped password", WRONG_PASSWORD), Planted("password by link", NEW_PASSWORD),
    Planted("words of a petition", PHRASE, kept=True), Planted("words of a text message", SMS_PHRASE, kept=True),
]  # fmt: skip
# Values that are planted where a value stands in an error: in damaged rows, in bytes that are no request.
BROKEN = [Planted("number in an error", IN_ERROR), Planted("number in a broken request", IN_LINE)]

BODY = (
    f"我叫{NAME}，身份证号{ID_NUMBER}，电话{BODY_PHONE}，邮箱{EMAIL}，银行卡{CARD}，车牌{PLATE}，住桂坊街道贡院巷{ADDRESS}。"
    f"联系人：{SECOND_NAME}。楼下烧烤摊每晚营业到凌晨三点，油烟很大，{PHRASE}，请管一管。"
)


# --- a provider that repeats numbers in its errors --------------------------------------------------------------------


class Refusing(BaseHTTPRequestHandler):
    """Refuses every text message and says which number it was for, as Twilio does."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        body = json.dumps({"code": 21211, "message": f"The 'To' number {SENDER} is not valid.", "status": 400}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(tmp_path: Path, free_port: int, refusing: str) -> Iterator[Hub]:
    folder = tmp_path / "data"
    folder.mkdir()
    prepare(folder)
    made = Hub(folder, free_port, {"HUB_TWILIO_API_BASE": refusing})
    yield made
    made.stop()


# --- what goes in -----------------------------------------------------------------------------------------------------


@dataclass
class Given:
    """What the hub made of what it was given."""

    number: str = ""
    secrets: list[Planted] = field(default_factory=list)

    def secret(self, name: str, value: str) -> str:
        assert value, name
        self.secrets.append(Planted(name, value))
        return value


def citizen(hub: Hub, given: Given) -> Browser:
    """The web form with a file, then the progress page with a wrong code and the right one."""
    browser = Browser(hub.base)
    form = {"title": "楼下烧烤摊油烟扰民", "body": BODY, "place": f"桂坊街道贡院巷{ADDRESS}", "disclosure": "named",
            "name": NAME, "phone": PHONE, "consent": "yes", "do": "send"}  # fmt: skip
    done = browser.fill("/submit", form, files={"files": (FILE_NAME, FILE_TEXT.encode(), "text/plain")})
    assert done.url.endswith("/submit/done"), re.findall(r'role="alert".*?</div>', done.text, re.S)
    shown = re.findall(r'<dd class="lx-num">([\d ]+)</dd>', done.text)
    given.number = shown[0].replace(" ", "")
    code = given.secret("query code", shown[1].replace(" ", ""))
    wrong = given.secret("wrong code", f"{(int(code) + 31415926) % 10**8:08d}")
    assert browser.fill("/progress", {"number": given.number, "query_code": wrong}).status_code >= 400
    page = browser.fill("/progress", {"number": given.number, "query_code": code})
    assert page.status_code == 200 and "烧烤摊" in page.text
    # What makes it a credential: the moment it was signed at stands in every token of the same second.
    given.secret("citizen's cookie", browser.cookies["lx_form"].rsplit(".", 1)[-1])
    return browser


def senders(hub: Hub, given: Given) -> None:
    """A WeChat dialogue to its end, and a text message."""
    said = ["你好", f"{PHRASE}，对面工地夜里打桩，电话{BODY_PHONE}，我叫{NAME}", "桂坊街道贡院巷", "没有了", "1", "是"]
    answers = [hub.wechat(OPENID, words, 70 + at).text for at, words in enumerate(said)]
    code = re.search(r"查询码\D{0,4}([\d ]{8,9})", "".join(answers))
    assert code, answers
    given.secret("query code by WeChat", code[1].replace(" ", ""))
    told = f"{SMS_PHRASE}把垃圾堆在楼道里，我叫{SECOND_NAME}，电话{SENDER[3:]}，住贡院巷{ADDRESS}"
    answers = [hub.sms(SENDER, words, f"SM{at:032x}").text for at, words in enumerate([told, "1", "是", "进度"])]
    code = re.search(r"查询码\D{0,4}([\d ]{8,9})", "".join(answers))
    assert code, answers
    given.secret("query code by text message", code[1].replace(" ", ""))


def officer(hub: Hub, given: Given) -> Browser:
    """A first sign-in with a new password, a mistyped one, searches by number and name, values revealed."""
    first, username = Browser(hub.base), "pei.zhengyu"
    old = PASSWORDS[username]
    assert first.sign_in(username, old).status_code == 200
    first.fill("/work/account/password", {"old": old, "password": PASSWORD, "again": PASSWORD})
    browser = Browser(hub.base)
    assert browser.sign_in(username, WRONG_PASSWORD).status_code == 401
    assert browser.sign_in(username, PASSWORD).status_code == 200
    given.secret("session cookie", browser.cookies["lx_staff"])
    for words in (SEARCHED, PHONE, NAME, ID_NUMBER, OPENID):
        assert browser.look("/work/cases", params={"q": words}).status_code == 200
    case_id, submission_id = hub.rows(
        "SELECT c.case_id, c.submission_id FROM submission_cases c JOIN submissions s ON s.id = c.submission_id"
        " WHERE s.number = ?", given.number,
    )[0]  # fmt: skip
    for kind, value in (("name", NAME), ("phone", PHONE), ("body", ID_NUMBER)):
        shown = browser.fill(f"/work/cases/{case_id}", {"submission": submission_id, "kind": kind},
                             to=f"/work/cases/{case_id}/reveal")  # fmt: skip
        assert value in shown.text, kind
    return browser


def reset_link(hub: Hub, given: Given) -> None:
    """An administrator makes a link, its holder sets a password by it."""
    browser, username = Browser(hub.base), "admin.security"
    old = PASSWORDS[username]
    browser.sign_in(username, old)
    browser.fill("/work/account/password", {"old": old, "password": PASSWORD[::-1], "again": PASSWORD[::-1]})
    account = hub.rows("SELECT id FROM accounts WHERE username = 'geng.hao'")[0][0]
    page = browser.fill(f"/work/admin/accounts/{account}", {"do": "link"})
    link = re.search(r"/reset/([A-Za-z0-9_-]{20,})", page.text)
    assert link
    token = given.secret("reset token", link[1])
    done = Browser(hub.base).fill(f"/reset/{token}", {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert done.status_code == 200 and done.url.endswith("/login")


def published(hub: Hub, given: Given) -> str:
    """The petition answered and its reply released with everything personal in it; its public id."""
    parts = wiring.build(load_settings(data_dir=hub.folder))
    db, at = parts.get(Database), parts.get(Clock).now()  # type: ignore[type-abstract]
    with db.write() as session:
        people = [
            actor_for(session, session.scalars(select(Account.id).where(Account.username == name)).one(), at)
            for name in ("shangguan.min", "zhuang.xiaoli")
        ]
        query = select(Case).join(SubmissionCase, SubmissionCase.case_id == Case.id)
        query = query.join(Submission, Submission.id == SubmissionCase.submission_id)
        case = session.scalars(query.where(Submission.number == given.number)).one()
        told = f"{NAME}您好，已联系您的电话{PHONE}，到{ADDRESS}看过，烧烤摊已经停业整改。"
        deciding.direct_answer(session, people[0], at, case.id, told)
        question = BODY.replace(PHRASE, "家里有病人")
        row = publishing.propose(session, people[0], at, case.id, title="楼下烧烤摊油烟扰民", question=question,
                                 reply=told)  # fmt: skip
        public_id = publishing.release(session, people[1], at, row.id).public_id
    db.dispose()
    return public_id


def strangers_pages(hub: Hub, given: Given, public_id: str) -> list[tuple[str, bytes]]:
    """What somebody without number, code or account is answered everywhere."""
    stranger, found = Browser(hub.base), []
    case_id, attachment = hub.rows("SELECT case_id, id FROM attachments")[0]
    for path in (
        "/", "/submit", "/submit/done", "/progress", "/replies", "/replies?q=烧烤摊", f"/replies/{public_id}",
        "/figures", "/guide", "/login", "/healthz", "/readyz", "/metrics", "/nothing", f"/work/cases/{case_id}",
        "/work/review",
        f"/progress/files/{attachment}", f"/work/attachments/{attachment}/file", "/work/cases?q=烧烤摊", "/hooks/sms",
        f"/replies/{given.number}", "/work/admin/accounts", "/reset/" + "x" * 43,
    ):  # fmt: skip
        answer = stranger.look(path, allow_redirects=False)
        assert answer.status_code < 500, path
        found.append((f"answer of {path}", answer.content + repr(dict(answer.headers)).encode()))
    forged = requests.post(f"{hub.base}/hooks/sms", {"From": "+8613000000000", "Body": "进度"}, timeout=30)
    found.append(("answer to a forged message", forged.content))
    assert "烧烤摊" in html.unescape(found[6][1].decode()), "the reply is published"
    return found


# --- what goes wrong --------------------------------------------------------------------------------------------------


def break_everything(hub: Hub, browser: Browser, number: str) -> None:
    """Rows damaged so that reading them raises with the value in the message, in web and both workers, inside a job's
    handler and outside; and bytes that are no request, which the web server itself complains of.
    """
    hub.settled()
    query = "UPDATE cases SET promise_at = ? WHERE number = ?"
    hub.change(query, IN_ERROR, number)
    assert browser.look("/progress").status_code == 500
    line = f"GET /work/cases?q={IN_LINE} {IN_LINE}\r\nHost: x\r\n\r\n"
    header = f"GET / HTTP/1.1\r\nHost: x\r\nX-{IN_LINE}(): {IN_LINE}\r\n\r\n"
    for data in (
        line,
        header,
        f"{IN_LINE}\x01 / HTTP/1.1\r\n\r\n",
        f"POST / HTTP/1.1\r\nContent-Length: {IN_LINE}x\r\n\r\n",
    ):
        assert b" 400 " in hub.raw(data.encode()).split(b"\r\n")[0]
    insert = (
        "INSERT INTO jobs (id, queue, name, key, payload, state, due, attempts, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', '2026-01-01 00:00:00.000000', 0, ?)"
    )
    payload = json.dumps({"event": IN_ERROR + "号", "case": IN_ERROR + "号", "dialogue": IN_ERROR + "号"})
    for at, (queue, name) in enumerate(
        (("jobs", "intake.classify"), ("jobs", "intake.remind"), ("search", "search.index"))
    ):
        hub.change(insert, 100 + at, queue, name, f"broken{at}", payload, "2026-01-01 00:00:00.000000")
    failed = "SELECT count(*) FROM jobs WHERE key LIKE 'broken%' AND error IS NOT NULL"
    until(lambda: hub.rows(failed) == [(3,)], "three jobs fail")
    for at, queue in enumerate(("jobs", "search")):
        name = "search.index" if queue == "search" else "cases.sweep"
        hub.change(insert, 200 + at, queue, name, f"unreadable{at}", "{}", IN_ERROR)
    for name in ("worker", "search_worker"):
        until(lambda: '"logger": "celery' in hub.log(name), f"{name} stumbles")  # noqa: B023 - called here only


def written(hub: Hub) -> list[tuple[str, bytes]]:
    """What the hub says: its own output and every file but the database and what is derived from it."""
    said = [("stdout", "".join(hub.out).encode()), ("stderr", "".join(hub.err).encode())]
    return said + list(files_of(hub.folder, without=("hub.db", "search")))


@pytest.mark.slow
def test_no_planted_value_leaves_its_place(hub: Hub) -> None:
    given = Given()
    hub.ready()
    browser = citizen(hub, given)
    senders(hub, given)
    hub.settled()  # until it is classified a case may be an accusation, and is shown to nobody
    officer(hub, given)
    reset_link(hub, given)
    hub.settled()
    public_id = published(hub, given)
    hub.settled()
    everything = [*GIVEN, *given.secrets]
    assert len(everything) >= 20
    own = [row[0] for table in ("submissions", "cases") for row in hub.rows(f"SELECT number FROM {table}")]
    assert len(own) >= 6
    assert find(everything, strangers_pages(hub, given, public_id), own) == []

    # Database files, write-ahead log and index hold the masked texts, and of no value a word more.
    hidden = [one for one in everything if not one.kept]
    names = [name for name, _data in files_of(hub.folder)]
    assert "hub.db-wal" in names and any(name.startswith("search/") for name in names)
    assert [str(leak) for leak in find(hidden, files_of(hub.folder), own)] == []
    jobs = "\n".join(rows_of(hub.database, "jobs") + rows_of(hub.database, "events")).encode()
    assert len(jobs) > 2000 and find(everything, [("jobs and events", jobs)], own) == []

    break_everything(hub, browser, given.number)
    hub.stop()
    web = hub.log("web")
    assert '"request_failed"' in web and '"gunicorn.error"' in web and web.count('"job_failed"') == 0
    for name in ("worker", "search_worker"):
        assert '"job_failed"' in hub.log(name) and '"ValueError"' in hub.log(name)
    said = written(hub)
    assert {"stdout", "logs/web.log", "logs/worker.log", "logs/search_worker.log", "logs/beat.log"} <= {
        name for name, _ in said
    }
    assert [str(leak) for leak in find([*everything, *BROKEN], said, own)] == []
    errors = str(hub.rows("SELECT error FROM jobs WHERE error IS NOT NULL")).encode()
    assert find(BROKEN, [("errors of jobs", errors)]) == []

    # The same look finds what does leak.
    with (hub.folder / "logs" / "web.log").open("a") as log:
        log.write(f'{{"event": "called", "number": "{PHONE[:7]}****"}}\n')
    assert [leak.name for leak in find([*everything, *BROKEN], written(hub))] == ["phone"]


# --- the look itself --------------------------------------------------------------------------------------------------

_FORMS = {
    "raw": lambda value: value.encode(),
    "in a line": lambda value: f'{{"event": "x", "to": "{value}"}}'.encode(),
    "half masked": lambda value: (value[:7] + "*" * len(value[7:])).encode(),
    "URL-encoded": lambda value: quote(value, safe="").encode(),
    "GBK in an address": lambda value: quote(value, safe="", encoding="gb18030").encode(),
    "escaped JSON": lambda value: json.dumps({"x": value}).encode(),
    "bytes of Python": lambda value: repr(value.encode()).encode(),
    "GBK": lambda value: value.encode("gb18030"),
    "UTF-16": lambda value: value.encode("utf-16"),
    "base64": lambda value: __import__("base64").b64encode(b"{ " + value.encode() + b" }"),
    "hexadecimal": lambda value: value.encode().hex().encode(),
}


@pytest.mark.parametrize("form", _FORMS)
def test_a_planted_leak_is_found(tmp_path: Path, form: str) -> None:
    log = tmp_path / "web.log"
    for one in GIVEN:
        log.write_bytes(b'{"event": "before"}\n' + _FORMS[form](one.value) + b'\n{"event": "after"}\n')
        assert one.name in [leak.name for leak in find(GIVEN, files_of(tmp_path))]


def test_what_a_hub_writes_anyway_is_no_finding(tmp_path: Path) -> None:
    harmless = (
        '{"id": 911958127046123456, "timestamp": "2026-11-24T02:00:00.958127Z", "share": 0.9581270461,'
        ' "masked": "139****7046",'
        f' "hash": "ab{PHONE[:6]}cdef0123456789abcdef0123456789abcdef0123456789ab"}}'
    )
    (tmp_path / "web.log").write_text(harmless)
    assert find(GIVEN, files_of(tmp_path)) == []
