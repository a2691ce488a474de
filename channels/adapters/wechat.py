"""WeChat official account: signed XML in, a passive text reply out. Plain mode, and AES mode when its key is set.

In plain mode the provider signs token, timestamp and nonce only; in AES mode also the body, so with a key set a plain
request is refused. Coordinates are GCJ-02.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.messages import UnknownMessage
from wechatpy.parser import parse_message
from wechatpy.replies import TextReply
from wechatpy.utils import WeChatSigner

from channels.contract import (
    Answer,
    Item,
    Kind,
    Malformed,
    Media,
    Message,
    NotAuthentic,
    Place,
    Request,
    Response,
    Unsupported,
)
from channels.dialect import fit_bytes, xml_safe
from core import ids
from core.config import Settings, SettingsError

REPLY_BYTES = 2048
# WeChat repeats a message within 15 seconds; a signed request much older is somebody's copy of one.
FRESH = timedelta(minutes=10)
_MEDIA = {"image": Kind.PICTURE, "voice": Kind.VOICE, "video": Kind.VIDEO, "shortvideo": Kind.VIDEO}
_EVENTS = {"subscribe": Kind.FOLLOW, "subscribe_scan": Kind.FOLLOW, "unsubscribe": Kind.UNFOLLOW}


class WeChat:
    """The official account's message interface."""

    name: ClassVar[str] = "wechat"
    required_settings: ClassVar[tuple[str, ...]] = ("wechat_token",)

    def __init__(self, settings: Settings) -> None:
        self._token = settings.wechat_token
        self._crypto: WeChatCrypto | None = None
        if settings.wechat_aes_key:
            self._crypto = _crypto(settings)

    def authenticate(self, request: Request) -> None:
        """Check the signature in the query, and that it is of these minutes. Raises NotAuthentic."""
        if not _is_fresh(request):
            raise NotAuthentic
        if self._crypto is None or request.method == "GET":
            self._check(request.arg("signature"), request.arg("timestamp"), request.arg("nonce"))
        else:
            self._decrypt(request)

    def handshake(self, request: Request) -> Response:
        """The echostr back, as it came. Raises NotAuthentic."""
        self.authenticate(request)
        return Response(200, "text/plain; charset=utf-8", request.arg("echostr").encode(errors="replace"))

    def parse(self, request: Request) -> Sequence[Item]:
        """The one message or event in the body. Raises Malformed or Unsupported."""
        try:
            raw = self._decrypt(request) if self._crypto else request.body
            message = parse_message(raw)
            if message is None:
                raise Malformed
            return [_item(message)]
        except (Malformed, Unsupported, NotAuthentic):
            raise
        except Exception as error:
            # wechatpy raises whatever its fields meet: KeyError, TypeError, ExpatError, OverflowError and more.
            raise Malformed from error

    def reply(self, request: Request, answers: Sequence[Answer]) -> Response:
        """A text to the sender; "success" when there is nothing to say, so that WeChat does not ask again."""
        texts = [answer.outcome.text for answer in answers if answer.outcome.text]
        if not texts or not isinstance(answers[0].item, Message):
            return Response(200, "text/plain; charset=utf-8", b"success")
        item = answers[0].item
        content = fit_bytes(xml_safe("\n\n".join(texts)).replace("]]>", "]] >"), REPLY_BYTES)
        sent = int(request.received_at.timestamp())
        body = TextReply(source=item.recipient, target=item.sender, time=sent, content=content).render()
        if self._crypto:
            body = self._crypto.encrypt_message(body, ids.public_id(10), str(sent))
        return Response(200, "application/xml; charset=utf-8", body.encode())

    def _check(self, signature: str, *parts: str) -> None:
        signer = WeChatSigner()
        signer.add_data(self._token, *(part.encode(errors="replace") for part in parts))
        if not all(parts) or not hmac.compare_digest(signer.signature.encode(), signature.encode(errors="replace")):
            raise NotAuthentic

    def _decrypt(self, request: Request) -> str:
        """The plain XML of an AES body whose signature holds. Raises NotAuthentic."""
        arguments = (request.arg("msg_signature"), request.arg("timestamp"), request.arg("nonce"))
        if self._crypto is None or not all(arguments):
            raise NotAuthentic
        try:
            text: str = self._crypto.decrypt_message(request.body, *arguments)
        except (InvalidSignatureException, InvalidAppIdException) as error:
            raise NotAuthentic from error
        except Exception as error:
            # Nothing that can't be opened is proved to be WeChat's.
            raise NotAuthentic from error
        return text


def _is_fresh(request: Request) -> bool:
    """Whether the signed moment, in seconds, is one, and near enough to when the request came."""
    stamp = request.arg("timestamp")
    if len(stamp) > 12 or not (stamp.isascii() and stamp.isdigit()):
        return False
    return abs(request.received_at.timestamp() - int(stamp)) <= FRESH.total_seconds()


def _crypto(settings: Settings) -> WeChatCrypto:
    """Raises SettingsError when the key is no key or the app id is missing."""
    if not settings.wechat_app_id:
        raise SettingsError("Setting HUB_WECHAT_APP_ID: needed with HUB_WECHAT_AES_KEY.")
    try:
        return WeChatCrypto(settings.wechat_token, settings.wechat_aes_key, settings.wechat_app_id)
    except (ValueError, AssertionError) as error:
        raise SettingsError("Setting HUB_WECHAT_AES_KEY: should be the EncodingAESKey, 43 characters.") from error


def _item(message: Any) -> Message:
    """A wechatpy message or event as a neutral one; every lazy field is read here."""
    sender, recipient = _text(message.source), _text(message.target)
    seconds = message.time
    sent_at = datetime.fromtimestamp(seconds, UTC)
    known: dict[str, Any] = {"channel": "wechat", "sender": sender, "recipient": recipient, "sent_at": sent_at}
    if message.type == "event":
        kind = _EVENTS.get(message.event)
        if kind is None:
            raise Unsupported(event=message.event)
        return Message(key=_event_key(sender, seconds, message.event), kind=kind, **known)
    if isinstance(message, UnknownMessage) and ("Event" in message._data or "MsgId" not in message._data):
        raise Unsupported
    if message.id <= 0:
        raise Malformed(field="MsgId")
    return Message(key=str(message.id), **known, **_content(message))


def _content(message: Any) -> dict[str, Any]:
    """Kind, words, files and place of a message that is no event."""
    if message.type == "text":
        return {"kind": Kind.TEXT, "text": _text(message.content)}
    if message.type in _MEDIA:
        kind = _MEDIA[message.type]
        media = Media(_needed(message.media_id), kind, url=_text(getattr(message, "image", None)))
        return {"kind": kind, "media": (media,), "text": _text(getattr(message, "recognition", None))}
    if message.type == "location":
        place = Place(float(message.location_x), float(message.location_y), "GCJ-02", _text(message._data.get("Label")))
        return {"kind": Kind.PLACE, "place": place, "text": place.label}
    if message.type == "link":
        words = (_text(message.title), _text(message.description), _text(message.url))
        return {"kind": Kind.LINK, "text": "\n".join(word for word in words if word)}
    return {"kind": Kind.OTHER}


def _event_key(sender: str, seconds: int, event: str) -> str:
    """Events have no MsgId. Hashed, because keys are kept in the clear and an openid is personal."""
    return "e." + hashlib.sha256(f"{sender}:{seconds}:{event}".encode()).hexdigest()[:40]


def _text(value: Any) -> str:
    """A field that is a text or absent; a nested or repeated element is malformed."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed
    return value


def _needed(value: Any) -> str:
    if not _text(value):
        raise Malformed
    return _text(value)


ADAPTER = WeChat
