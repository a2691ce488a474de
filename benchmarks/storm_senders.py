"""Citizens in the storm: each says something by one channel until it is taken in, the same key after any break."""

from __future__ import annotations

import http.client
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from twilio.request_validator import RequestValidator
from wechatpy.utils import WeChatSigner

from core.config import Settings
from core.ids import clean_number

ANSWERS_WITHIN = 20.0
MATTERS = (
    "小区门口的路灯坏了一个星期，晚上看不清路", "物业乱收停车费，不给开发票", "公交站牌倒了没有人扶",
    "楼下烧烤店油烟很大，窗户不敢开", "孩子上学的学区划分想咨询一下", "工地夜里施工，吵得老人睡不着",
    "自来水发黄好几天了，不敢喝", "医保卡在药店刷不了，想问怎么办",
)  # fmt: skip
_NUMBER = re.compile(r"\d{6} \d{3} \d{4}")
_HIDDEN = re.compile(r'name="(csrf_token|form_token|started)" value="([^"]*)"')


class Broken(Exception):
    """No good answer: reset, refused, cut off, late, or a server's error. `reached`: the request had been sent."""


@dataclass
class Traffic:
    """What is under way now and what came of all requests, shared by senders and killer."""

    open: int = 0
    answered: int = 0
    tries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def flight(self) -> Iterator[None]:
        """A request that is sent and not answered yet."""
        with self.lock:
            self.open += 1
        try:
            yield
        finally:
            with self.lock:
                self.open -= 1

    def note(self, outcome: str, *, good: bool) -> None:
        """Count an attempt."""
        with self.lock:
            self.tries += 1
            self.outcomes[outcome] += 1
            self.answered += good


@dataclass
class Said:
    """One matter that somebody brought: the key of each step that was acknowledged, with its words, and the number."""

    marker: str
    channel: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    number: str = ""


class Sender(threading.Thread):
    """One of the eight: brings matter after matter until told to stop, and finishes the last one."""

    def __init__(self, settings: Settings, traffic: Traffic, place: int, channel: str, seed: int, pause: float) -> None:
        super().__init__(name=f"sender-{place}", daemon=True)
        self._settings, self._traffic, self.place, self.channel = settings, traffic, place, channel
        self._rng, self._pause = random.Random(f"{seed}.{place}"), pause
        self._count = 0
        self.said: list[Said] = []
        self.stopping, self.aborting = threading.Event(), threading.Event()
        self.staff_cookie = ""

    def run(self) -> None:
        bring = {"wechat": self._by_wechat, "sms": self._by_sms, "web": self._by_web, "desk": self._by_desk}
        while not self.stopping.is_set():
            self._count += 1
            said = Said(self._marker(), self.channel)
            self.said.append(said)
            try:
                bring[self.channel](said, f"{self._rng.choice(MATTERS)}，事由{said.marker}")
            except Broken:
                return  # told to give up
            self.stopping.wait(self._rng.uniform(0, self._pause))

    def _marker(self) -> str:
        letters = "".join(self._rng.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(8))
        return f"storm{'abcdefgh'[self.place]}{letters}"

    # --- channels ------------------------------------------------------------------------------------------------

    def _by_wechat(self, said: Said, text: str) -> None:
        openid = f"o{said.marker}"
        answer = ""
        for step, words in enumerate((text, "建设路与人民路交叉口", "没有了", "确认")):
            key = str((self.place + 1) * 10**9 + self._count * 10 + step)
            body = (
                f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{openid}</FromUserName>"
                f"<CreateTime>{int(time.time())}</CreateTime><MsgType>text</MsgType>"
                f"<Content>{escape(words)}</Content><MsgId>{key}</MsgId></xml>"
            )
            answer = self._message(f"/hooks/wechat?{self._wechat_query()}", "text/xml", body.encode(), {})
            said.steps.append((key, words))
        said.number = _number_in(answer)

    def _wechat_query(self) -> str:
        signer, timestamp, nonce = WeChatSigner(), str(int(time.time())), str(self._rng.randrange(10**9))
        signer.add_data(self._settings.wechat_token, timestamp, nonce)
        return urlencode({"signature": signer.signature, "timestamp": timestamp, "nonce": nonce})

    def _by_sms(self, said: Said, text: str) -> None:
        answer, phone = "", f"+861{30 + self.place}{self._count:08d}"
        for step, words in enumerate((text, "确认")):
            key = f"SM{self.place:04x}{self._count:024x}{step:04x}"
            form = {"MessageSid": key, "From": phone, "To": self._settings.twilio_from, "Body": words, "NumMedia": "0"}
            url = f"http://{self._settings.host}:{self._settings.port}/hooks/sms"
            signature = RequestValidator(self._settings.twilio_auth_token).compute_signature(url, form)
            headers = {"X-Twilio-Signature": signature}
            body = urlencode(form).encode()
            answer = self._message("/hooks/sms", "application/x-www-form-urlencoded", body, headers)
            said.steps.append((key, words))
        said.number = _number_in(answer)

    def _message(self, path: str, kind: str, body: bytes, headers: dict[str, str]) -> str:
        """Send until it is taken in; an answer that says "being registered" is no answer yet."""
        while True:
            _status, _headers, answer = self._until("POST", path, {"Content-Type": kind, **headers}, body, {200})
            if "正在登记" not in answer:
                return answer
            self._traffic.note("later", good=False)
            self._rest()

    def _by_web(self, said: Said, text: str) -> None:
        form = {
            "title": f"反映一件事{said.marker}", "body": text, "disclosure": "named", "name": "王小明",
            "phone": f"1{30 + self.place}{self._count:08d}", "consent": "no", "seen": "1", "do": "send",
        }  # fmt: skip
        cookies: dict[str, str] = {}
        said.number = self._form("/submit", form, cookies, {303}, done="/submit/done")

    def _by_desk(self, said: Said, text: str) -> None:
        form = {
            "body": text, "title": f"来电{said.marker}", "number": f"1{30 + self.place}{self._count:08d}",
            "kind": "new", "channel": "hotline", "name": "李大姐", "disclosure": "named", "do": "send",
        }  # fmt: skip
        said.number = self._form("/desk", form, {"lx_staff": self.staff_cookie}, {200})

    def _form(self, path: str, form: dict[str, str], cookies: dict[str, str], good: set[int], *, done: str = "") -> str:
        """Open the page once, press its button until it answers, read the number on the page that follows."""
        headers = self._headers(cookies)
        _status, got, text = self._until("GET", path, headers, b"", {200})
        _keep(cookies, got)
        form = {**form, **dict(_HIDDEN.findall(text))}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        while True:
            headers = self._headers(cookies) | kind
            status, got, text = self._until("POST", path, headers, urlencode(form).encode(), good)
            _keep(cookies, got)
            if status == 303:
                _status, got, text = self._until("GET", done, self._headers(cookies), b"", {200, 302})
            found = _number_in(text)
            if found:
                return found
            self._traffic.note("no number", good=False)
            self._rest()

    def _headers(self, cookies: dict[str, str]) -> dict[str, str]:
        joined = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return {"Cookie": joined} if joined else {}

    # --- one request ---------------------------------------------------------------------------------------------

    def _until(
        self, method: str, path: str, headers: dict[str, str], body: bytes, good: set[int]
    ) -> tuple[int, list[tuple[str, str]], str]:
        """The same request again and again until it has a good answer. Raises Broken when told to give up."""
        forwarded = {"X-Forwarded-For": f"10.1.{self.place}.{self._count % 250 + 1}"}
        while not self.aborting.is_set():
            try:
                status, got, text = self._ask(method, path, headers | forwarded, body)
            except (OSError, http.client.HTTPException) as error:
                self._traffic.note(type(error).__name__, good=False)
            else:
                self._traffic.note(str(status), good=status in good)
                if status in good:
                    return status, got, text
            self._rest()
        raise Broken

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], str]:
        connection = http.client.HTTPConnection(self._settings.host, self._settings.port, timeout=ANSWERS_WITHIN)
        try:
            connection.connect()
            with self._traffic.flight():
                connection.request(method, path, body or None, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read().decode()
        finally:
            connection.close()

    def _rest(self) -> None:
        self.aborting.wait(self._rng.uniform(0.05, 0.3))


def _keep(cookies: dict[str, str], headers: list[tuple[str, str]]) -> None:
    for name, value in headers:
        if name.lower() == "set-cookie":
            cookies.update({key: morsel.value for key, morsel in SimpleCookie(value).items()})


def _number_in(text: str) -> str:
    found = _NUMBER.search(text)
    return clean_number(found.group()) or "" if found else ""
