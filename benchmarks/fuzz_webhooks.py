"""Generated webhook bodies, signed with the test secret: none may end in a 5xx, and most must reach `parse`.

`run()` prints and returns the counts; seeded, so that a finding can be repeated.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode

import flask
import structlog
from flask.testing import FlaskClient
from flask_babel import Babel
from twilio.request_validator import RequestValidator
from wechatpy.events import EVENT_TYPES
from wechatpy.messages import MESSAGE_TYPES
from wechatpy.utils import WeChatSigner
from werkzeug.datastructures import MultiDict

from channels.contract import Outcome
from channels.inbox import Bindings, Delivery
from channels.registry import load
from channels.webhooks import make_blueprint
from core import crypto
from core.clock import SystemClock
from core.config import Settings, load_settings
from core.database import Base, Database
from core.jobs import Job

_NOT_PARSED = {403, 404, 405, 413}
_WORDS = [
    "路灯坏了", "进度", "帮助", "STOP", "退订", "a", "", " ", "\x00", "\u202e", "😀" * 50, "]]>", "<b>", "&amp;",
    "=1+1", "'; drop table deliveries; --", "\ud7ff", "\uffff", "9" * 400, "-1", "nan", "inf", "1e999", "0x10", "１２",
    "字" * 3000,
]  # fmt: skip
_SMS_FIELDS = [
    "MessageSid", "From", "To", "Body", "NumMedia", "MediaUrl0", "MediaContentType0", "OptOutType", "MessageStatus",
    "ErrorCode", "SmsSid",
]  # fmt: skip
_WECHAT_FIELDS = [
    "ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Content", "Event", "EventKey", "MediaId", "PicUrl",
    "Recognition", "Location_X", "Location_Y", "Label", "Title", "Url", "Ticket", "Latitude",
]  # fmt: skip


@dataclass
class Result:
    """Counts by status, and of those that reached `parse` and of adapters that stumbled."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    stumbled: int = 0
    worst: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def parsed(self) -> float:
        """The share that reached `parse`."""
        return sum(n for status, n in self.statuses.items() if status not in _NOT_PARSED) / max(1, self.sent)

    @property
    def server_errors(self) -> int:
        """How many were answered 5xx."""
        return sum(n for status, n in self.statuses.items() if status >= 500)


def fuzz_settings() -> Settings:
    """Settings with the test secrets that the bodies are signed with."""
    return load_settings(
        public_url="https://12345.example.cn", channels="wechat,sms", wechat_token="test-wechat-token",
        twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-twilio-token", twilio_from="+8657112345000",
        secret_key="secret-of-tests-" * 3, index_key="",
    )  # fmt: skip


def run(count: int = 10_000, seed: int = 1, client: FlaskClient | None = None, at: datetime | None = None) -> Result:
    """Send `count` generated bodies to the hub behind `client`, or to one of our own that only stores them; `at` is the
    moment by that hub's clock (aware), now unless given.
    """
    rng, result, settings = random.Random(seed), Result(), fuzz_settings()
    with tempfile.TemporaryDirectory() as folder, structlog.testing.capture_logs() as logs:
        for path, query, headers, body in _requests(rng, count, settings, at or SystemClock().now()):
            client = client or _own_client(settings, Path(folder))
            answer = client.post(path, query_string=query, headers=headers, data=body)
            result.sent += 1
            result.statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                result.worst.append((path, body[:200]))
            answer.close()
        result.stumbled = sum(entry["event"] in ("adapter_failed", "delivery_failed") for entry in logs)
    return result


def _requests(
    rng: random.Random, count: int, settings: Settings, at: datetime
) -> Iterator[tuple[str, str, dict[str, str], bytes]]:
    for number in range(count):
        if number % 2:
            query = _wechat_query(rng, settings, at)
            yield "/hooks/wechat", query, {"Content-Type": "text/xml"}, _wechat_body(rng, number)
        else:
            path, body = rng.choice(["/hooks/sms", "/hooks/sms", "/hooks/status/sms"]), _sms_body(rng, number)
            yield path, "", _sms_headers(settings.public_url + path, body, settings), body


def _sms_headers(url: str, body: bytes, settings: Settings) -> dict[str, str]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    signature = RequestValidator(settings.twilio_auth_token).compute_signature(url, MultiDict(pairs))
    return {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}


def _wechat_query(rng: random.Random, settings: Settings, at: datetime) -> str:
    # Signed within the minutes that count as fresh: an old signature would never reach `parse`.
    stamp = int(at.timestamp()) + rng.randrange(-300, 300)
    signer, timestamp, nonce = WeChatSigner(), str(stamp), str(rng.randrange(10**9))
    signer.add_data(settings.wechat_token, timestamp, nonce)
    return urlencode({"signature": signer.signature, "timestamp": timestamp, "nonce": nonce})


def _word(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return rng.choice(_WORDS)
    return "".join(
        chr(rng.choice([rng.randrange(32, 127), rng.randrange(1, 0xD800)])) for _ in range(rng.randrange(40))
    )


def _sms_body(rng: random.Random, number: int) -> bytes:
    form: list[tuple[str, Any]] = [
        ("MessageSid", f"SM{number:032x}"),
        ("From", "+8613800000001"),
        ("To", "+8657112345000"),
    ]
    form += [("Body", _word(rng)), ("NumMedia", "0"), ("MessageStatus", rng.choice(["delivered", "failed", "x"]))]
    for _ in range(rng.randrange(4)):
        form.append((rng.choice(_SMS_FIELDS), _word(rng)))
    if rng.random() < 0.5:
        form = list(dict(form).items())
    if rng.random() < 0.2:
        rng.shuffle(form)
        form = form[: rng.randrange(len(form) + 1)]
    return _damage(rng, urlencode(form).encode(), b"&=%+;")


def _wechat_body(rng: random.Random, number: int) -> bytes:
    kinds = [*MESSAGE_TYPES, "event", "event", "device_text", "", "x", "TEXT"]
    fields = {
        "ToUserName": "gh_1", "FromUserName": f"o{number}", "CreateTime": "1764000000", "MsgId": str(number + 1),
        "MsgType": rng.choice(kinds), "Content": _word(rng), "Event": rng.choice([*EVENT_TYPES, "", "x"]),
        "MediaId": "m", "Location_X": "34.7", "Location_Y": "113.6",
    }  # fmt: skip
    for _ in range(rng.randrange(4)):
        fields[rng.choice(_WECHAT_FIELDS)] = rng.choice([_word(rng), "<a>1</a>", "<item/><item/>"])
    for name in rng.sample(list(fields), rng.randrange(4)):
        if rng.random() < 0.5:
            del fields[name]
    parts = [f"<{name}>{_xml(rng, value)}</{name}>" for name, value in fields.items()]
    parts += rng.sample(parts, rng.randrange(2))
    if rng.random() < 0.02:
        parts.append("<d>" * 3000 + "</d>" * 3000)
    root = rng.choice(["xml"] * 20 + ["XML", "html", "a"])
    return _damage(rng, f"<{root}>{''.join(parts)}</{root}>".encode(), b"<>&]\x00\xff\"'")


def _xml(rng: random.Random, value: str) -> str:
    return value if rng.random() < 0.3 else f"<![CDATA[{value}]]>"


def _damage(rng: random.Random, body: bytes, sharp: bytes) -> bytes:
    """Most bodies as they are; some cut, some with bytes changed, a few of another sort altogether."""
    dice = rng.random()
    if dice < 0.7 or not body:
        return body
    if dice < 0.8:
        return body[: rng.randrange(len(body))]
    if dice < 0.95:
        changed = bytearray(body)
        for _ in range(rng.randrange(1, 6)):
            changed[rng.randrange(len(changed))] = rng.choice([rng.randrange(256), rng.choice(sharp)])
        return bytes(changed)
    noise = rng.randbytes(rng.randrange(200))
    return rng.choice(
        [b"", b"{}", b"null", noise, quote_from_bytes(noise).encode(), body * 3, body.decode().encode("utf-16")]
    )


def _own_client(settings: Settings, folder: Path) -> FlaskClient:
    """A hub with the webhooks alone; what it is given is stored and answered with the words themselves."""
    crypto.use(crypto.KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32)))
    db = Database(f"sqlite:///{folder / 'hub.db'}")
    Base.metadata.create_all(db.engine, [Base.metadata.tables[m.__tablename__] for m in (Delivery, Job)])
    bindings = Bindings(
        receive=lambda session, message, delivery: Outcome(message.text, number=str(delivery.id)),
        consent=lambda session, message, delivery: Outcome(),
        receipt=lambda session, receipt, delivery: None,
        call_step=lambda session, step, delivery: Outcome(),
    )
    app = flask.Flask("fuzz")
    Babel(app)
    app.register_blueprint(make_blueprint(db, SystemClock(), settings, load(settings), bindings))
    return app.test_client()


def main() -> int:
    """Print the counts; 1 when there was a 5xx or too few reached `parse`."""
    result = run()
    print(
        f"sent {result.sent}, reached parse {result.parsed:.1%}, 5xx {result.server_errors}, stumbled {result.stumbled}"
    )
    print("by status:", dict(sorted(result.statuses.items())))
    for path, body in result.worst[:5]:
        print(path, body)
    return int(result.server_errors > 0 or result.stumbled > 0 or result.parsed < 0.8)


if __name__ == "__main__":
    sys.exit(main())
