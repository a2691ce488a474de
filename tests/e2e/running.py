"""A whole hub as a child of the test, as `hub up` runs it on an empty folder, with both channels on test secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import requests
from twilio.request_validator import RequestValidator
from wechatpy.utils import WeChatSigner

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120.0  # seconds until a test gives up waiting for another process
WECHAT_TOKEN, TWILIO_TOKEN = "test-wechat-token", "test-twilio-token"
SECRETS = {
    "HUB_CHANNELS": "wechat,sms", "HUB_WECHAT_TOKEN": WECHAT_TOKEN, "HUB_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "HUB_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "HUB_TWILIO_FROM": "+8657112345000", "HUB_ENV_FILE": os.devnull,
}  # fmt: skip


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    end, pause = time.monotonic() + LONGEST, threading.Event()
    while not true():
        assert time.monotonic() < end, f"waited in vain: {what}"
        pause.wait(0.2)


class RunningHub:
    """Web, worker, search worker and beat on a folder and a port of their own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.base = folder, f"http://127.0.0.1:{port}"
        self.settings = {"HUB_DATA_DIR": str(folder), "HUB_PORT": str(port), **SECRETS}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        self._said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "up"], cwd=folder, stdin=subprocess.DEVNULL, text=True,
            env={**plain, **self.settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._said.append(line)

    def ready(self) -> None:
        """Wait until `hub up` says so."""
        until(lambda: any("Ctrl+C" in line for line in self._said) or self._process.poll() is not None, "ready")
        assert self._process.poll() is None, self._said

    def stop(self) -> None:
        """End it as a service manager does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(LONGEST)

    def password(self, username: str) -> str:
        """The password of a demonstration account of this installation."""
        found: dict[str, str] = json.loads((self.folder / "demo-accounts.json").read_text())
        return found[username]

    def sms(self, sender: str, text: str, sid: str) -> requests.Response:
        """A text message, signed as the provider signs it."""
        form = {"MessageSid": sid, "From": sender, "To": "+8657112345000", "Body": text, "NumMedia": "0"}
        signature = RequestValidator(TWILIO_TOKEN).compute_signature(f"{self.base}/hooks/sms", form)
        return requests.post(f"{self.base}/hooks/sms", form, headers={"X-Twilio-Signature": signature}, timeout=60)

    def wechat(self, openid: str, text: str, key: int) -> requests.Response:
        """A message to the official account in plain mode, signed as WeChat signs it."""
        signer = WeChatSigner()
        stamp = str(int(time.time()))
        signer.add_data(WECHAT_TOKEN, stamp, "99")
        query = urlencode({"signature": signer.signature, "timestamp": stamp, "nonce": "99"})
        body = (
            f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{1764000000 + key}"
            f"</CreateTime><MsgType>text</MsgType><Content><![CDATA[{text}]]></Content><MsgId>{key}</MsgId></xml>"
        )
        return requests.post(f"{self.base}/hooks/wechat?{query}", body.encode(), timeout=60)
