"""A sender on WeChat or SMS for tests: signed payloads through the webhook, and what the provider is answered."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

from twilio.request_validator import RequestValidator
from wechatpy.utils import WeChatSigner

from channels.contract import Receipt, Request, Response
from channels.inbox import Bindings, Delivery
from channels.registry import load
from channels.webhooks import Reception
from core.clock import FixedClock
from core.config import load_settings
from core.database import Database, Session
from core.together import Together
from intake import receive

PUBLIC = "https://12345.example.cn"
SETTINGS = load_settings(
    public_url=PUBLIC, channels=["wechat", "sms"], wechat_token="test-wechat-token", secret_key="secret-of-tests-" * 3,
    twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-twilio-token", twilio_from="+8657112345000",
    field_keys="k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=",
    index_key="i1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=",
)  # fmt: skip


def no_receipt(session: Session, receipt: Receipt, delivery: Delivery) -> None:
    """Receipts are the notifications room's."""


BINDINGS = Bindings(receive.receive, receive.consent, no_receipt, receive.call_step)


class Talk:
    """One sender. `say` sends words and gives the answer; each message is a minute after the last."""

    def __init__(self, db: Database, clock: FixedClock, channel: str, sender: str = "") -> None:
        self.clock, self.channel = clock, channel
        self.sender = sender or {"wechat": "oLIANXIN0000000000000test01", "sms": "+8613800000001"}[channel]
        self.channels = load(SETTINGS)
        self.reception = Reception(db, self.channels, BINDINGS, Together(db))
        self.count = 0

    def say(self, text: str, *, key: str = "", **fields: str) -> str:
        """The answer to a text."""
        return self.send({"MsgType": "text", "Content": text, **fields}, {"Body": text, **fields}, key)

    def send(self, wechat: dict[str, str], sms: dict[str, str] | None = None, key: str = "") -> str:
        """The answer to a message of these fields."""
        self.clock.advance(timedelta(minutes=1))
        response = self.deliver(self.request(wechat, sms or {}, key))
        assert response.status == 200, response.body.decode()
        return answer_of(response)

    def deliver(self, request: Request) -> Response:
        """The provider's request through authentication, parsing, inbox and reply."""
        adapter = self.channels.receiver(self.channel)
        assert adapter is not None
        return self.reception.take(adapter, request)

    def request(self, wechat: dict[str, str], sms: dict[str, str], key: str = "") -> Request:
        """A signed request with a key of its own."""
        self.count += 1
        if self.channel == "wechat":
            return self._wechat(
                wechat, key or str(24869471003450000 + self.count + crc32(self.sender.encode()) % 10**9 * 10**4)
            )
        return self._sms(sms, key or f"SM{crc32(self.sender.encode()):012x}{self.count:020x}")

    def _wechat(self, fields: dict[str, str], key: str) -> Request:
        signer = WeChatSigner()
        stamp, nonce = str(int(self.clock.now().timestamp())), "1320562132"
        signer.add_data(SETTINGS.wechat_token, stamp, nonce)
        known = {"ToUserName": "gh_0123456789ab", "FromUserName": self.sender, "CreateTime": stamp, "MsgId": key}
        body = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in (known | fields).items())
        query = {"signature": signer.signature, "timestamp": stamp, "nonce": nonce}
        return self._request("/hooks/wechat", tuple(query.items()), f"<xml>{body}</xml>", {"content-type": "text/xml"})

    def _sms(self, fields: dict[str, str], key: str) -> Request:
        form: dict[str, Any] = {
            "MessageSid": key, "From": self.sender, "To": SETTINGS.twilio_from, "NumMedia": "0", "Body": "", **fields,
        }  # fmt: skip
        signature = RequestValidator(SETTINGS.twilio_auth_token).compute_signature(f"{PUBLIC}/hooks/sms", form)
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        return self._request("/hooks/sms", (), urlencode(form), headers)

    def _request(self, path: str, query: tuple[tuple[str, str], ...], body: str, headers: dict[str, str]) -> Request:
        url = PUBLIC + path + (f"?{urlencode(query)}" if query else "")
        return Request("POST", url, path, query, headers, body.encode(), self.clock.now())


def answer_of(response: Response) -> str:
    """The words in a WeChat reply or in TwiML; empty when there are none."""
    body = response.body.decode()
    content = re.search(r"<Content><!\[CDATA\[(.*?)\]\]></Content>", body, re.DOTALL)
    if content:
        return content[1]
    return unescape("\n".join(re.findall(r"<Message>(.*?)</Message>", body, re.DOTALL)))


def number_and_code(answer: str) -> tuple[str, str]:
    """The number (without gaps) and the query code in an answer."""
    number = re.search(r"编号 (\d{6} \d{3} \d{4})", answer)
    code = re.search(r"查询码 (\d{8})", answer)
    assert number, answer
    return number[1].replace(" ", ""), code[1] if code else ""
