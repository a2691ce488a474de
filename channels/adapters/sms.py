"""Text messages by Twilio: signed forms in, TwiML out; sends by the Messages API; status callbacks are receipts.

Twilio signs the public address, so `Request.url` is built from PUBLIC_URL, never from Host. TWILIO_API_BASE puts
another server in place of Twilio's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

from channels.contract import (
    Answer,
    Item,
    Kind,
    Malformed,
    Media,
    Message,
    NotAuthentic,
    Outgoing,
    Receipt,
    ReceiptStatus,
    Rejected,
    Request,
    Response,
    Retryable,
    Sent,
    Unsupported,
)
from channels.dialect import pieces, xml_safe
from core.config import Settings

MAX_TEXT = 1600  # characters in one message, Twilio's limit
_TIMEOUT = 10.0
_MAX_FIELDS = 1000
_MAX_MEDIA = 10
# Twilio blocks a number on these by itself, and answers them; 退订 and 恢复, which it does not know, are words to us as
# any other, unless the number was set up for them (OptOutType). YES is not among the START words: in a dialogue it is
# an answer.
_STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
_START = {"start", "unstop"}
_STATUSES = {
    "accepted": ReceiptStatus.ACCEPTED, "scheduled": ReceiptStatus.ACCEPTED, "queued": ReceiptStatus.ACCEPTED,
    "sending": ReceiptStatus.ACCEPTED, "sent": ReceiptStatus.SENT, "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.READ, "undelivered": ReceiptStatus.FAILED, "failed": ReceiptStatus.FAILED,
    "canceled": ReceiptStatus.FAILED,
}  # fmt: skip
_REFUSALS = {21211: "bad_address", 21214: "bad_address", 21614: "bad_address", 21610: "opted_out"}


class Sms:
    """The city's text message number."""

    name: ClassVar[str] = "sms"
    required_settings: ClassVar[tuple[str, ...]] = ("twilio_account_sid", "twilio_auth_token", "twilio_from")

    def __init__(self, settings: Settings) -> None:
        self._validator = RequestValidator(settings.twilio_auth_token)
        self._from = settings.twilio_from
        self._last: tuple[bytes, _Form] | None = None
        self._status_url = f"{settings.public_url}/hooks/status/sms" if settings.public_url else None
        http = _TwilioHttp(settings.twilio_api_base)
        # A non-empty environment keeps the client from reading the process's TWILIO_* variables.
        self._client = Client(
            settings.twilio_account_sid, settings.twilio_auth_token, http_client=http, environment={"_": ""}
        )

    def authenticate(self, request: Request) -> None:
        """Check X-Twilio-Signature over the public address and the form. Raises NotAuthentic."""
        signature = request.headers.get("x-twilio-signature", "")
        try:
            form = self._form_to_check(request.body)
            if signature and self._validator.validate(request.url, form, signature):
                return
        except ValueError:
            pass
        raise NotAuthentic

    def parse(self, request: Request) -> Sequence[Item]:
        """The message in the form, or the receipt when it came to the status address. Raises Malformed, Unsupported."""
        try:
            form = self._checked_form(request.body)
        except ValueError as error:
            raise Malformed from error
        if request.purpose == "status":
            return [_receipt(form, request)]
        if request.purpose != "message" or request.step:
            raise Unsupported
        return [_message(form, request)]

    def _form_to_check(self, body: bytes) -> _Form:
        """The form, kept for `parse`; one that is no UTF-8 as well as it can be read, for its signature alone."""
        try:
            form = _Form(body, errors="strict")
        except ValueError:
            return _Form(body, errors="replace")
        self._last = (body, form)
        return form

    def _checked_form(self, body: bytes) -> _Form:
        """The form of this very body when it was read last, else read anew. Raises ValueError."""
        last, self._last = self._last, None
        return last[1] if last is not None and last[0] is body else _Form(body, errors="strict")

    def reply(self, request: Request, answers: Sequence[Answer]) -> Response:
        """TwiML with each text as one or more messages; an empty response when there is nothing to say."""
        twiml = MessagingResponse()
        for answer in answers:
            for piece in pieces(xml_safe(answer.outcome.text), MAX_TEXT):
                twiml.message(piece)
        return Response(200, "text/xml; charset=utf-8", str(twiml).encode())

    def send(self, message: Outgoing) -> Sent:
        """Hand a text to Twilio. Raises Retryable (429, 5xx, no connection, time-out) or Rejected (other 4xx)."""
        options: dict[str, Any] = {"status_callback": self._status_url} if self._status_url else {}
        try:
            sent = self._client.messages.create(to=message.to, from_=self._from, body=message.text, **options)
        except TwilioException as error:
            raise _send_error(error) from error
        except requests.ConnectTimeout as error:
            raise Retryable("timeout") from error
        except requests.Timeout as error:
            raise Retryable("timeout", maybe_sent=True) from error
        except requests.RequestException as error:
            raise Retryable("no_connection") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # It answered what can't be read, perhaps after taking the message.
            raise Retryable("unreadable_answer", maybe_sent=True) from error
        if not sent.sid:
            raise Retryable("unreadable_answer", maybe_sent=True)
        return Sent(str(sent.sid), _STATUSES.get(str(sent.status), ReceiptStatus.ACCEPTED))


class _TwilioHttp(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client with another server in place of api.twilio.com, and no tries of its own."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=_TIMEOUT)
        self._base = urlsplit(base)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """As Twilio's, with scheme and host (and a leading path) rewritten."""
        if self._base.netloc:
            parts = urlsplit(url)
            path = self._base.path.rstrip("/") + parts.path
            url = urlunsplit((self._base.scheme, self._base.netloc, path, parts.query, ""))
        return super().request(method, url, *args, **kwargs)


class _Form(dict[str, list[str]]):
    """A form body by field name, in the shape that Twilio's validator reads. Raises ValueError."""

    def __init__(self, body: bytes, errors: str) -> None:
        super().__init__()
        text = body.decode("utf-8", errors)
        for name, value in parse_qsl(text, keep_blank_values=True, errors=errors, max_num_fields=_MAX_FIELDS):
            self.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[str]:
        """Every value of a field."""
        return self.get(name, [])

    def one(self, name: str) -> str:
        """The only value of a field, or an empty text. Raises Malformed when there are several."""
        values = self.get(name, [])
        if len(values) > 1:
            raise Malformed(field=name)
        return values[0] if values else ""


def _message(form: _Form, request: Request) -> Message:
    body = form.one("Body")
    media = tuple(_media(form, index) for index in range(_count(form.one("NumMedia"))))
    return Message(
        channel="sms",
        key=form.one("MessageSid"),
        sender=form.one("From"),
        recipient=form.one("To"),
        kind=_kind(body, form.one("OptOutType"), media),
        text=body,
        media=media,
        sent_at=request.received_at,
    )


def _kind(body: str, opt_out: str, media: tuple[Media, ...]) -> Kind:
    word = unicodedata.normalize("NFKC", body).strip().strip(".!。！ ").casefold()
    if opt_out == "STOP" or word in _STOP:
        return Kind.STOP
    if opt_out == "START" or word in _START:
        return Kind.START
    return media[0].kind if media and not word else Kind.TEXT


def _count(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 3 or int(text) > _MAX_MEDIA:
        raise Malformed(field="NumMedia")
    return int(text)


def _media(form: _Form, index: int) -> Media:
    url, content_type = form.one(f"MediaUrl{index}"), form.one(f"MediaContentType{index}")
    if not url:
        raise Malformed(field="MediaUrl")
    kinds = {"image": Kind.PICTURE, "audio": Kind.VOICE, "video": Kind.VIDEO}
    return Media(url, kinds.get(content_type.partition("/")[0], Kind.FILE), content_type, url=url)


def _receipt(form: _Form, request: Request) -> Receipt:
    sid, word = form.one("MessageSid"), form.one("MessageStatus")
    if not sid or not word:
        raise Malformed(field="MessageStatus")
    if word not in _STATUSES:
        raise Unsupported(status=word)
    return Receipt("sms", f"{sid}.{word}", sid, _STATUSES[word], request.received_at, form.one("ErrorCode"))


def _send_error(error: TwilioException) -> Retryable | Rejected:
    status, code = getattr(error, "status", 500), getattr(error, "code", None)
    if status == 429:
        return Retryable("busy")
    if status >= 500:
        return Retryable("provider_down", maybe_sent=status != 503)  # 503: it says that it took nothing
    if status in (401, 403) and code not in _REFUSALS:
        return Retryable("not_authorised")
    return Rejected(_REFUSALS.get(code or 0, "refused"))


ADAPTER = Sms
