"""WeChat's AES mode: encrypted both ways, signed over the body; a plain request is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from wechatpy.crypto import WeChatCrypto
from wechatpy.parser import parse_message
from wechatpy.utils import WeChatSigner

from channels.adapters.wechat import WeChat
from channels.contract import Answer, Message, NotAuthentic, Outcome, Request
from tests.channels.payloads import HERE, request_of, settings_of

KEY, APP = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a"
STAMP, NONCE = "1795492800", "1320562132"
PLAIN = json.loads((HERE / "wechat" / "text.json").read_text())
CRYPTO = WeChatCrypto("test-wechat-token", KEY, APP)


@pytest.fixture
def adapter() -> WeChat:
    return WeChat(settings_of("wechat", wechat_aes_key=KEY, wechat_app_id=APP))


def encrypted(crypto: WeChatCrypto = CRYPTO, **changes: str) -> Request:
    wrapped = crypto.encrypt_message(PLAIN["request"]["body"], NONCE, STAMP)
    body = parse(wrapped)
    arguments = {
        "timestamp": STAMP,
        "nonce": NONCE,
        "encrypt_type": "aes",
        "msg_signature": body["MsgSignature"],
    } | changes
    xml = f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{body['Encrypt']}</Encrypt></xml>"
    return request_of("wechat", PLAIN["request"] | {"query": urlencode(arguments), "body": xml})


def parse(xml: str) -> dict[str, str]:
    import xmltodict

    found: dict[str, str] = xmltodict.parse(xml)["xml"]
    return found


def test_the_message_is_read_and_the_answer_encrypted(adapter: WeChat) -> None:
    request = encrypted()
    adapter.authenticate(request)
    (item,) = adapter.parse(request)
    assert isinstance(item, Message) and item.text == "幸福路路灯坏了三天，晚上看不清路 😟"
    reply = adapter.reply(request, [Answer(item, Outcome("已收到 <1> 😀"))])
    assert "已收到" not in reply.body.decode()
    sent = parse(reply.body.decode())
    opened = CRYPTO.decrypt_message(reply.body, sent["MsgSignature"], sent["TimeStamp"], sent["Nonce"])
    answer = parse(opened)
    assert (answer["Content"], answer["ToUserName"]) == ("已收到 <1> 😀", item.sender)
    assert parse_message(opened) is not None


@pytest.mark.parametrize(
    "changes", [{"msg_signature": "0" * 40}, {"nonce": "1"}, {"timestamp": ""}, {"msg_signature": ""}]
)
def test_a_wrong_signature_is_refused(adapter: WeChat, changes: dict[str, str]) -> None:
    with pytest.raises(NotAuthentic):
        adapter.authenticate(encrypted(**changes))


@pytest.mark.parametrize(
    "crypto", [WeChatCrypto("test-wechat-token", "b" * 42 + "Q", APP), WeChatCrypto("test-wechat-token", KEY, "wx1")]
)
def test_another_key_or_account_is_refused(adapter: WeChat, crypto: WeChatCrypto) -> None:
    with pytest.raises(NotAuthentic):
        adapter.authenticate(encrypted(crypto))


@pytest.mark.parametrize("body", [b"", b"<xml/>", b"<a", b"<xml><Encrypt>x</Encrypt></xml>", b"\xff"])
def test_a_body_that_cannot_be_opened_is_refused(adapter: WeChat, body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        adapter.authenticate(replace(encrypted(), body=body))


def test_a_plain_request_is_refused_and_the_handshake_is_plain(adapter: WeChat) -> None:
    plain = request_of("wechat", PLAIN["request"])
    WeChat(settings_of("wechat")).authenticate(plain)
    with pytest.raises(NotAuthentic):
        adapter.authenticate(plain)
    signer = WeChatSigner()
    signer.add_data("test-wechat-token", STAMP, NONCE)
    query = (("signature", signer.signature), ("timestamp", STAMP), ("nonce", NONCE), ("echostr", "5836"))
    assert adapter.handshake(replace(plain, method="GET", query=query, body=b"")).body == b"5836"
