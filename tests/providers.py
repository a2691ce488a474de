"""What the providers send to a running hub, signed as they sign it, for hubs with both channels on test secrets."""

from __future__ import annotations

import time
from typing import Protocol
from urllib.parse import urlencode

import requests
from twilio.request_validator import RequestValidator
from wechatpy.utils import WeChatSigner

WECHAT_TOKEN, TWILIO_TOKEN = "test-wechat-token", "test-twilio-token"
OWN_NUMBER = "+8657112345000"
SECRETS = {
    "HUB_CHANNELS": "wechat,sms", "HUB_WECHAT_TOKEN": WECHAT_TOKEN, "HUB_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "HUB_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "HUB_TWILIO_FROM": OWN_NUMBER,
}  # fmt: skip
_LONGEST = 60.0


class Served(Protocol):
    """A hub that answers at an address."""

    @property
    def base(self) -> str: ...


class Providers:
    """Messages to the hub at `base`."""

    def sms(self: Served, sender: str, text: str, sid: str) -> requests.Response:
        """A text message, signed as the provider signs it."""
        form = {"MessageSid": sid, "From": sender, "To": OWN_NUMBER, "Body": text, "NumMedia": "0"}
        signature = RequestValidator(TWILIO_TOKEN).compute_signature(f"{self.base}/hooks/sms", form)
        return requests.post(
            f"{self.base}/hooks/sms", form, headers={"X-Twilio-Signature": signature}, timeout=_LONGEST
        )

    def wechat(self: Served, openid: str, text: str, key: int) -> requests.Response:
        """A message to the official account in plain mode, signed as WeChat signs it."""
        signer = WeChatSigner()
        stamp = str(int(time.time()))
        signer.add_data(WECHAT_TOKEN, stamp, "99")
        query = urlencode({"signature": signer.signature, "timestamp": stamp, "nonce": "99"})
        body = (
            f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{1764000000 + key}"
            f"</CreateTime><MsgType>text</MsgType><Content><![CDATA[{text}]]></Content><MsgId>{key}</MsgId></xml>"
        )
        return requests.post(f"{self.base}/hooks/wechat?{query}", body.encode(), timeout=_LONGEST)
