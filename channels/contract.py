"""What an adapter is: a provider's request becomes neutral items; what the hub answers becomes the provider's reply.

Plain values only. An adapter authenticates over the raw bytes, parses, replies; the rest (`Handshakes`, `Sends`,
`FetchesMedia`, `ContributesRoutes`) it has when its channel can do it. Its captured payloads are its tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from core.errors import HubError

MAX_KEY = 120
MAX_SENDER = 200


# --- errors -----------------------------------------------------------------------------------------------------------


class NotAuthentic(HubError):
    """The request is not from the provider: answered 403, and nothing of it is kept."""

    code = "not_authentic"
    message = "签名不符，未予接收。"
    status = 403


class Malformed(HubError):
    """The request is the provider's, but can't be read: answered 400, and nothing of it is kept."""

    code = "malformed"
    message = "内容格式有误，未能读取。"
    status = 400


class Unsupported(HubError):
    """A kind of request that nobody awaits an answer to: answered 200 with an empty reply, and a log line."""

    code = "unsupported"
    message = "暂不处理这类通知。"
    status = 200


class SendError(HubError):
    """A message was not handed to the provider. `code` is neutral: timeout, busy, bad_address, opted_out, refused."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


class Retryable(SendError):
    """It may work later. `maybe_sent`: the provider may have taken it all the same, so another try may double it."""

    code = "retryable"
    status = 503

    def __init__(self, code: str, *, after: timedelta | None = None, maybe_sent: bool = False) -> None:
        super().__init__(code)
        self.after, self.maybe_sent = after, maybe_sent


class Rejected(SendError):
    """It will never work as it stands: a wrong address, a sender who opted out, a refused text."""

    code = "rejected"
    status = 422


# --- the request and the response -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What the provider sent. `url` is the public address with its query, as the provider signed it.

    Header names are in lower case. `purpose` is message, status (a receipt) or the like, `step` what stands behind the
    channel's name in the address. `received_at` is aware.
    """

    method: str
    url: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    purpose: str = "message"
    step: str = ""

    def __post_init__(self) -> None:
        _aware(self.received_at)

    def arg(self, name: str) -> str:
        """The first value of a query argument, or an empty text."""
        return next((value for key, value in self.query if key == name), "")


@dataclass(frozen=True)
class Response:
    """What the provider is answered."""

    status: int
    content_type: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


# --- items ------------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a message is. OTHER is a message that the channel can't read but somebody awaits an answer to."""

    TEXT = "text"
    PICTURE = "picture"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    PLACE = "place"
    LINK = "link"
    MENU = "menu"
    FORM = "form"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    STOP = "stop"
    START = "start"
    OTHER = "other"


@dataclass(frozen=True)
class Media:
    """A file that the provider holds: its id there, or an address, to be fetched later by a job."""

    reference: str
    kind: Kind
    content_type: str = ""
    url: str = ""
    name: str = ""


@dataclass(frozen=True)
class Place:
    """Where something is, in degrees, with the datum (WGS84, GCJ-02) that they are in; accuracy in metres."""

    latitude: float
    longitude: float
    datum: str
    label: str = ""
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise Malformed(field="place")
        if self.accuracy is not None and not 0 <= self.accuracy < 1e8:
            raise Malformed(field="accuracy")
        _clean(self.label)


@dataclass(frozen=True)
class Message:
    """Something that a person wrote or did on a channel. `key` makes it unique there, however often it is delivered.

    `text` is the words (a menu's key for MENU, what the provider heard for VOICE); `fields` what a form channel asks.
    """

    channel: str
    key: str
    sender: str
    kind: Kind
    sent_at: datetime
    text: str = ""
    recipient: str = ""
    media: tuple[Media, ...] = ()
    place: Place | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_item(self.key, self.sent_at, self.sender)
        if not self.sender:
            raise Malformed(field="sender")
        _clean(self.text)
        for name, value in self.fields.items():
            _clean(name + value)
        for media in self.media:
            _clean(media.reference + media.url + media.name)


@dataclass(frozen=True)
class CallStep:
    """One turn of a telephone conversation; the reply to it is the next turn, so it is answered inline."""

    channel: str
    key: str
    call: str
    step: str
    caller: str
    sent_at: datetime
    called: str = ""
    status: str = ""
    digits: str = ""
    speech: str = ""
    recording: Media | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_item(self.key, self.sent_at, self.caller)
        _clean(self.digits + self.speech)


class ReceiptStatus(StrEnum):
    """How far a message that we sent has come."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True)
class Receipt:
    """News of a message that we sent: the provider's id for it, its status, the provider's error code if it failed."""

    channel: str
    key: str
    provider_id: str
    status: ReceiptStatus
    sent_at: datetime
    error: str = ""

    def __post_init__(self) -> None:
        _check_item(self.key, self.sent_at, self.provider_id)


Item = Message | CallStep | Receipt


# --- outcomes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Say:
    """Words read aloud in a call."""

    text: str


@dataclass(frozen=True)
class Ask:
    """Words read aloud, then keys or speech awaited; the answer arrives as the CallStep named `step`."""

    text: str
    step: str
    by: str = "digits"
    digits: int | None = None
    seconds: int = 5


@dataclass(frozen=True)
class Record:
    """Words read aloud, then the caller recorded; the recording arrives as the CallStep named `step`."""

    text: str
    step: str
    seconds: int = 120


@dataclass(frozen=True)
class Connect:
    """The call put through to a number, a queue or an agent's client."""

    to: str
    step: str = ""
    seconds: int = 30


@dataclass(frozen=True)
class HangUp:
    """The end of a call."""


CallAction = Say | Ask | Record | Connect | HangUp


@dataclass(frozen=True)
class Outcome:
    """What came of an item: words to answer with, or the next turn of a call.

    `number` is the submission's; it alone is replayed once the words have expired. `code` is a refusal's code.
    """

    text: str = ""
    number: str = ""
    actions: tuple[CallAction, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Answer:
    """An item with what came of it."""

    item: Item
    outcome: Outcome


@dataclass(frozen=True)
class Outgoing:
    """A message to send. `key` is ours, the same at each try; a template is named with its values where needed."""

    channel: str
    key: str
    to: str
    text: str
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True)
class Sent:
    """A message that the provider took: its id there (receipts name it) and how far it was then."""

    provider_id: str
    status: ReceiptStatus = ReceiptStatus.ACCEPTED


# --- what an adapter can do -------------------------------------------------------------------------------------------


class Channel(Protocol):
    """What every adapter has. Made once from the settings; holds no state between requests."""

    name: ClassVar[str]
    required_settings: ClassVar[tuple[str, ...]]


@runtime_checkable
class Adapter(Channel, Protocol):
    """A channel that receives."""

    def authenticate(self, request: Request) -> None:
        """Check over the raw bytes that the provider sent this. Raises NotAuthentic."""

    def parse(self, request: Request) -> Sequence[Item]:
        """The items in an authentic request, perhaps none. Raises Malformed or Unsupported."""

    def reply(self, request: Request, answers: Sequence[Answer]) -> Response:
        """The answers in the provider's dialect; with none, what the provider takes as "received"."""


@runtime_checkable
class Handshakes(Protocol):
    """A channel whose provider asks with GET whether this is the right address."""

    def handshake(self, request: Request) -> Response:
        """The answer to an opening GET. Raises NotAuthentic."""


@runtime_checkable
class Sends(Channel, Protocol):
    """A channel that can speak first."""

    def send(self, message: Outgoing) -> Sent:
        """Hand a message to the provider. Raises Retryable or Rejected."""


@runtime_checkable
class FetchesMedia(Protocol):
    """A channel whose files have to be fetched from the provider."""

    def fetch(self, media: Media) -> bytes:
        """The file's bytes. Raises Retryable or Rejected (gone, too large)."""


@runtime_checkable
class ContributesRoutes(Protocol):
    """A channel with addresses of its own; what they take in goes through `deliver`, the same path as a webhook."""

    def blueprint(self, deliver: Callable[[Request], Response]) -> Any:
        """A Flask blueprint."""


def _check_item(key: str, sent_at: datetime, who: str) -> None:
    _aware(sent_at)
    if not key or len(key) > MAX_KEY or not key.isprintable() or not key.isascii():
        raise Malformed(field="key")
    if len(who) > MAX_SENDER or not who.isprintable():
        raise Malformed(field="sender")
    _clean(who)


def _aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("naive datetime")


def _clean(text: str) -> None:
    """A text that can't be written as UTF-8 (half a surrogate pair) is malformed."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Malformed(field="text") from error
