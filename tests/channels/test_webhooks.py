"""The webhook blueprint: what a provider sees, and what is in the database afterwards."""

from __future__ import annotations

import io
import json
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import flask
import pytest
from flask.testing import FlaskClient
from flask_babel import Babel
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from twilio.request_validator import RequestValidator
from wechatpy.utils import WeChatSigner

from channels import webhooks
from channels.adapters.console import Console
from channels.contract import (
    Answer,
    Ask,
    CallStep,
    Channel,
    Item,
    Kind,
    Message,
    NotAuthentic,
    Outcome,
    Request,
    Response,
    Say,
)
from channels.inbox import Delivery
from channels.registry import Channels, load
from channels.webhooks import make_blueprint
from core.clock import FixedClock
from core.config import load_settings
from core.database import Database
from core.errors import Conflict
from tests.channels.payloads import AT, HERE, all_payloads, settings_of
from tests.channels.room import GOT, Room

SETTINGS = load_settings(
    public_url="https://12345.example.cn", channels="wechat,sms", wechat_token="test-wechat-token",
    twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-twilio-token", twilio_from="+8657112345000",
)  # fmt: skip
MESSAGE = Message("reports", "k", "+8613800000001", Kind.FORM, AT, text="路灯坏了")
POSTED = [p for p in all_payloads() if json.loads(p.read_text())["request"]["method"] == "POST"]


@pytest.fixture
def client(db: Database, clock: FixedClock, room: Room) -> FlaskClient:
    return client_of(db, clock, room, load(SETTINGS))


def client_of(db: Database, clock: FixedClock, room: Room, channels: Channels) -> FlaskClient:
    app = flask.Flask("hub")
    Babel(app)
    app.register_blueprint(make_blueprint(db, clock, SETTINGS, channels, room.bindings))
    return app.test_client()


def captured(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return found


def post(client: FlaskClient, request: dict[str, Any], **changes: Any) -> Any:
    sent = request | changes
    return client.post(sent["path"], query_string=sent["query"], headers=sent["headers"], data=sent["body"])


def count(db: Database) -> tuple[int, int]:
    """How many deliveries are stored, and how many items the room was given."""
    with db.read() as session:
        stored = session.scalar(select(func.count()).select_from(Delivery)) or 0
        return stored, session.scalar(select(func.count()).select_from(GOT)) or 0


@pytest.mark.parametrize("path", POSTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_payload_through_the_door(client: FlaskClient, db: Database, room: Room, path: Path) -> None:
    payload = json.loads(path.read_text())
    room.text = payload.get("outcome", {}).get("text", "")
    answer = post(client, payload["request"])
    expected = {"malformed": (400, 0), "unsupported": (200, 0)}.get(payload.get("error", ""), (200, 1))
    assert (answer.status_code, *count(db)) == (expected[0], expected[1], expected[1])
    kinds = {item.get("kind") for item in payload.get("items", [])}
    if answer.status_code == 200 and not kinds & {"stop", "start"}:
        assert answer.get_data(as_text=True) == payload["reply"]["body"]
        assert answer.content_type == payload["reply"]["content_type"]


@pytest.mark.parametrize("name", ["wechat/text", "sms/text", "sms/status_delivered"])
@pytest.mark.parametrize("forged", ["unsigned", "wrong", "other_secret", "empty"])
def test_a_forged_request_is_refused_and_leaves_nothing(
    client: FlaskClient, db: Database, name: str, forged: str
) -> None:
    request = captured(name)["request"]
    signature = {"unsigned": None, "wrong": "x" * 28, "other_secret": "", "empty": ""}[forged]
    if forged == "other_secret":
        signature = RequestValidator("another").compute_signature("https://12345.example.cn/hooks/sms", {})
    headers = {k: v for k, v in request["headers"].items() if k != "x-twilio-signature"}
    if signature is not None:
        headers["x-twilio-signature"] = signature
    query = "" if signature is None else urlencode({"signature": signature, "timestamp": "1795492800", "nonce": "1"})
    answer = post(client, request, headers=headers, query=query)
    assert (answer.status_code, answer.get_data(as_text=True)) == (403, "签名不符，未予接收。")
    assert count(db) == (0, 0)


@pytest.mark.parametrize(
    ("minutes", "status"), [(-11, 403), (-10, 200), (0, 200), (10, 200), (11, 403), (-525_600, 403)]
)
def test_a_wechat_signature_is_good_for_ten_minutes(
    client: FlaskClient, db: Database, minutes: int, status: int
) -> None:
    stamp = str(int((AT + timedelta(minutes=minutes)).timestamp()))
    signer = WeChatSigner()
    signer.add_data(SETTINGS.wechat_token, stamp, "1")
    query = urlencode({"signature": signer.signature, "timestamp": stamp, "nonce": "1"})
    assert post(client, captured("wechat/text")["request"], query=query).status_code == status
    assert count(db) == ((1, 1) if status == 200 else (0, 0))


@pytest.mark.parametrize("stamp", ["", "x", "-1795492800", "1e9", "１７９５４９２８００", "9" * 400])
def test_a_wechat_moment_that_is_none_is_refused(client: FlaskClient, db: Database, stamp: str) -> None:
    signer = WeChatSigner()
    signer.add_data(SETTINGS.wechat_token, stamp.encode(), "1")
    query = urlencode({"signature": signer.signature, "timestamp": stamp, "nonce": "1"})
    assert post(client, captured("wechat/text")["request"], query=query).status_code == 403
    assert count(db) == (0, 0)


def test_a_changed_text_message_is_refused(client: FlaskClient, db: Database) -> None:
    request = captured("sms/text")["request"]
    assert post(client, request, body=request["body"] + "&Body=b").status_code == 403
    assert count(db) == (0, 0)


@pytest.mark.parametrize("host", ["evil.example.com", "localhost:1"])
def test_the_signature_is_over_the_public_address_whatever_host_says(client: FlaskClient, host: str) -> None:
    request = captured("sms/text")["request"]
    headers = request["headers"] | {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "http"}
    assert post(client, request, headers=headers).status_code == 200


def test_a_signature_for_another_address_is_refused(client: FlaskClient) -> None:
    request = captured("sms/text")["request"]
    assert post(client, request, query="a=1").status_code == 403
    assert post(client, request, path="/hooks/status/sms").status_code == 403


def test_the_wechat_handshake(client: FlaskClient) -> None:
    request = captured("wechat/handshake")["request"]
    answer = client.get(request["path"], query_string=request["query"])
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "5836250153412391")
    assert (
        client.get(request["path"], query_string=request["query"].replace("signature=", "signature=0")).status_code
        == 403
    )
    assert client.get("/hooks/sms").status_code == 405


@pytest.mark.parametrize("name", ["wechat/text", "sms/text", "wechat/unfollow"])
def test_a_replayed_delivery_gets_the_same_bytes(client: FlaskClient, db: Database, name: str) -> None:
    request = captured(name)["request"]
    first, second = post(client, request), post(client, request)
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert count(db) == (1, 1)


def test_concurrent_repeats_are_processed_once(client: FlaskClient, db: Database) -> None:
    request, answers, gate = captured("sms/text")["request"], [], threading.Barrier(12)

    def run() -> None:
        mine = client.application.test_client()
        gate.wait()
        answers.append(post(mine, request))

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.data) for answer in answers} == {(200, answers[0].data)}
    assert len(answers) == 12 and b"2611240000017" in answers[0].data
    assert count(db) == (1, 1)


def test_one_that_fails_among_others_at_once_costs_the_others_nothing(
    client: FlaskClient, db: Database, room: Room
) -> None:
    room.error, room.fails = ZeroDivisionError(), {"sms"}
    answers: dict[str, int] = {}

    def run(name: str) -> None:
        answers[name] = post(client.application.test_client(), captured(name)["request"]).status_code

    names = ["wechat/text", "sms/text", "wechat/follow"]
    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    with db.write():  # all of them wait for the same turn
        for thread in threads:
            thread.start()
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    assert answers == dict.fromkeys(names, 200)
    with db.read() as session:
        states = session.execute(select(Delivery.channel, Delivery.state, func.count()).group_by("channel", "state"))
        assert {tuple(row) for row in states} == {("sms", "failed", 1), ("wechat", "done", 2)}
    assert count(db) == (3, 2)


@pytest.mark.parametrize("size", [webhooks.MAX_BODY + 1, 3 * webhooks.MAX_BODY])
def test_more_than_a_megabyte_is_refused_with_a_sentence(client: FlaskClient, db: Database, size: int) -> None:
    answer = post(client, captured("sms/text")["request"], body="Body=" + "a" * (size - 5))
    assert (answer.status_code, answer.get_data(as_text=True)) == (413, "内容超过 1 MB，未能接收。请分几次发送。")
    assert count(db) == (0, 0)


def test_a_stream_of_no_stated_length_is_not_cut_but_refused(client: FlaskClient, db: Database) -> None:
    request = captured("wechat/text")["request"]
    stream = io.BytesIO(request["body"].encode() + b" " * webhooks.MAX_BODY)
    answer = client.post(
        "/hooks/wechat",
        query_string=request["query"],
        input_stream=stream,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert answer.status_code == 413 and count(db) == (0, 0)


def test_a_body_just_under_the_limit_is_taken_in(client: FlaskClient, db: Database) -> None:
    form = {"MessageSid": "SM1", "From": "+8613800000001", "Body": "a" * (webhooks.MAX_BODY - 100)}
    signature = RequestValidator("test-twilio-token").compute_signature("https://12345.example.cn/hooks/sms", form)
    answer = client.post("/hooks/sms", data=urlencode(form), headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 200 and count(db) == (1, 1)


@pytest.mark.parametrize("path", ["/hooks/pigeon", "/hooks/console", "/hooks/status/pigeon", "/hooks/status/status"])
def test_a_channel_that_is_off_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.post(path, data="x").status_code == 404


def test_a_database_that_cannot_write_asks_the_provider_to_come_again(
    client: FlaskClient, db: Database, room: Room
) -> None:
    request = captured("sms/text")["request"]
    room.error = OperationalError("insert", {}, Exception("disk is full"))
    answer = post(client, request)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
    assert "disk" not in answer.get_data(as_text=True) and count(db) == (0, 0)
    room.error = None
    assert post(client, request).status_code == 200 and count(db) == (1, 1)


@pytest.mark.parametrize(
    ("error", "kept", "said"),
    [(ZeroDivisionError(), ("failed", "ZeroDivisionError"), "已收到"),
     (Conflict("请换个说法。"), ("done", "conflict"), "请换个说法。")],
    ids=["fault", "refusal"],
)  # fmt: skip
def test_what_goes_wrong_above_undoes_its_own_work_only(
    client: FlaskClient, db: Database, room: Room, error: Exception, kept: tuple[str, str], said: str
) -> None:
    request = captured("sms/text")["request"]
    room.error = error
    answer = post(client, request)
    assert answer.status_code == 200 and said in answer.get_data(as_text=True)
    assert count(db) == (1, 0)
    with db.read() as session:
        row = session.scalars(select(Delivery)).one()
    assert (row.state, row.error, row.attempts) == (kept[0], kept[1], 1)
    room.error = None
    post(client, request)
    assert count(db) == (1, 1 if kept[0] == "failed" else 0)


def test_an_adapter_that_stumbles_fails_closed(
    client: FlaskClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from channels.adapters.sms import Sms

    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Sms, "parse", stumble)
        assert post(client, captured("sms/text")["request"]).status_code == 400
    monkeypatch.setattr(Sms, "authenticate", stumble)
    assert post(client, captured("sms/text")["request"]).status_code == 403
    assert count(db) == (0, 0)


# --- the contract has room for what comes later -----------------------------------------------------------------------


class Voice:
    """A telephone channel: the reply to a step is the next turn of the conversation."""

    name: ClassVar[str] = "voice"
    required_settings: ClassVar[tuple[str, ...]] = ()

    def authenticate(self, request: Request) -> None:
        if request.headers.get("x-signature") != "ok":
            raise NotAuthentic

    def parse(self, request: Request) -> list[Item]:
        call = request.arg("call")
        return [CallStep("voice", f"{call}.{request.step}", call, request.step, "+861", request.received_at)]

    def reply(self, request: Request, answers: list[Answer]) -> Response:
        words = [
            f"{type(action).__name__}:{action.text}"
            for a in answers
            for action in a.outcome.actions
            if isinstance(action, Say | Ask)
        ]
        return Response(200, "text/xml", "|".join(words).encode())


class Reports:
    """A channel with routes of its own that answers synchronously with an id."""

    name: ClassVar[str] = "reports"
    required_settings: ClassVar[tuple[str, ...]] = ()

    def authenticate(self, request: Request) -> None:
        if request.arg("key") != "k":
            raise NotAuthentic

    def parse(self, request: Request) -> list[Item]:
        form = json.loads(request.body)
        return [replace(MESSAGE, key=form["id"], fields=form, sent_at=request.received_at)]

    def reply(self, request: Request, answers: list[Answer]) -> Response:
        return Response(201, "application/json", json.dumps([a.outcome.number for a in answers]).encode())

    def blueprint(self, deliver: Any) -> flask.Blueprint:
        routes = flask.Blueprint("reports", __name__)

        @routes.post("/open/requests.json")
        def create() -> Any:
            query = tuple(flask.request.args.items())
            request = Request("POST", "u", "/open", query, {}, flask.request.get_data(), MESSAGE.sent_at)
            response = deliver(request)
            return response.body, response.status

        return routes


@pytest.fixture
def wide(db: Database, clock: FixedClock, room: Room) -> FlaskClient:
    enabled: dict[str, Channel] = {"voice": Voice(), "reports": Reports()}
    room.bindings = replace(
        room.bindings, call_step=lambda s, step, d: Outcome(actions=(Say("您好"), Ask("请讲", step.step + ".2")))
    )
    return client_of(db, clock, room, Channels(enabled, Console(settings_of("sms"))))


def test_a_call_step_is_answered_inline_and_once(wide: FlaskClient, db: Database) -> None:
    for _ in range(2):
        answer = wide.post("/hooks/voice/menu/main?call=CA1", headers={"X-Signature": "ok"})
        assert answer.get_data(as_text=True) == "Say:您好|Ask:请讲"
    assert count(db)[0] == 1
    assert wide.post("/hooks/voice/menu/main?call=CA1").status_code == 403


def test_a_channel_may_contribute_routes(wide: FlaskClient, db: Database) -> None:
    body = json.dumps({"id": "r1", "service_code": "light"})
    answer = wide.post("/open/requests.json?key=k", data=body)
    assert (answer.status_code, answer.get_json(force=True)) == (201, ["2611240000017"])
    assert wide.post("/open/requests.json", data=body).status_code == 403
    assert count(db) == (1, 1)
