"""One blueprint for every channel: /hooks/<channel> and below, /hooks/status/<channel> for receipts.

Not from the provider: 403 and nothing kept. Malformed: 400. Unsupported: 200 and a log line. Over 1 MB: 413. A database
that can't write: 503, and the provider asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

import flask
from flask_babel import gettext as _
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from channels import inbox
from channels.contract import (
    Adapter,
    Answer,
    ContributesRoutes,
    Handshakes,
    Item,
    Malformed,
    NotAuthentic,
    Request,
    Response,
    Unsupported,
)
from channels.inbox import Bindings
from channels.registry import Channels
from core.clock import Clock
from core.config import Settings
from core.database import Database
from core.errors import HubError
from core.logging import get_logger
from core.together import Together
from core.web.access import provider

log = get_logger(__name__)

MAX_BODY = 1_000_000


@dataclass(frozen=True)
class Reception:
    """Takes requests in for the channels that are switched on."""

    db: Database
    channels: Channels
    bindings: Bindings
    together: Together

    def take(self, adapter: Adapter, request: Request) -> Response:
        """Authenticate, parse, accept, reply; every fault becomes a plain answer in the provider's terms."""
        try:
            return self._answered(adapter, request)
        except Unsupported as error:
            log.info("delivery_unsupported", channel=adapter.name, code=error.code)
            return adapter.reply(request, [])
        except HubError as error:
            log.warning("delivery_refused", channel=adapter.name, code=error.code, status=error.status)
            return _plain(error.status, error.message)
        except (OperationalError, InterfaceError) as error:
            log.error("inbox_unavailable", channel=adapter.name, exc_info=error)
            return _plain(503, _("系统暂时不能登记，请稍后再发一次。"), {"Retry-After": "10"})

    def _answered(self, adapter: Adapter, request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            if not isinstance(adapter, Handshakes):
                return _plain(405, _("这个地址只接收 POST 请求。"), {"Allow": "POST"})
            return adapter.handshake(request)
        _authenticate(adapter, request)
        items = _parse(adapter, request)
        try:
            answers = self._accepted(request, items, guarded=False)
        except (OperationalError, InterfaceError):
            raise  # the database, not these items
        except Exception:  # a refusal or a fault of one item: nothing of it is kept, so all are taken in anew
            answers = self._accepted(request, items, guarded=True)
        return adapter.reply(request, answers)

    def _accepted(self, request: Request, items: list[Item], *, guarded: bool) -> list[Answer]:
        """Store the items and what comes of them, in one transaction; guarded, a fault undoes its item's work only."""
        pairs = [(item, inbox.prepare(request, item)) for item in items]
        if not pairs:
            return []

        def accept(session: Session) -> list[Answer]:
            return [
                Answer(item, inbox.accept(session, delivery, item, self.bindings, guarded=guarded))
                for item, delivery in pairs
            ]

        if not guarded:
            return self.together.write(accept)
        with self.db.write() as session:
            return accept(session)


def make_blueprint(
    db: Database, clock: Clock, settings: Settings, channels: Channels, bindings: Bindings
) -> flask.Blueprint:
    """The blueprint with the webhooks of every channel, and the routes that channels contribute."""
    blueprint = flask.Blueprint("hooks", __name__)
    reception = Reception(db, channels, bindings, Together(db))
    receivers = {name: channels.receiver(name) for name in channels.enabled}
    base = settings.public_url or f"http://{settings.host}:{settings.port}"

    @provider
    def hook(channel: str, step: str = "", purpose: str = "message") -> flask.Response:
        adapter = receivers.get(channel)
        if adapter is None:
            return _flask(_plain(404, _("没有开通这个渠道。")))
        try:
            request = _read(base, clock, purpose, step)
        except RequestEntityTooLarge:
            log.warning("delivery_too_large", channel=channel)
            return _flask(_plain(413, _("内容超过 1 MB，未能接收。请分几次发送。")))
        return _flask(reception.take(adapter, request))

    methods = ["GET", "POST"]
    blueprint.add_url_rule("/hooks/<channel>", "hook", hook, methods=methods)
    blueprint.add_url_rule("/hooks/<channel>/<path:step>", "hook", hook, methods=methods)
    blueprint.add_url_rule("/hooks/status/<channel>", "hook", hook, methods=["POST"], defaults={"purpose": "status"})
    for channel in channels.enabled.values():
        if isinstance(channel, ContributesRoutes) and isinstance(channel, Adapter):
            blueprint.register_blueprint(channel.blueprint(_deliver(reception, channel)))
    return blueprint


def _deliver(reception: Reception, adapter: Adapter):  # type: ignore[no-untyped-def]
    return lambda request: reception.take(adapter, request)


def _authenticate(adapter: Adapter, request: Request) -> None:
    """Fails closed: what an adapter stumbles over is not authentic."""
    try:
        adapter.authenticate(request)
    except HubError:
        raise
    except Exception as error:
        log.error("adapter_failed", channel=adapter.name, step="authenticate", exc_info=error)
        raise NotAuthentic from error


def _parse(adapter: Adapter, request: Request) -> list[Item]:
    """What an adapter stumbles over is malformed."""
    try:
        return list(adapter.parse(request))
    except HubError:
        raise
    except Exception as error:
        log.error("adapter_failed", channel=adapter.name, step="parse", exc_info=error)
        raise Malformed from error


def _read(base: str, clock: Clock, purpose: str, step: str) -> Request:
    """The request as plain values; its address is the public one, whatever Host says. Raises RequestEntityTooLarge."""
    request = flask.request
    # One more than allowed: a stream without a stated length is cut at the limit, not refused.
    request.max_content_length = MAX_BODY + 1
    body = request.get_data(cache=True, parse_form_data=False)
    if len(body) > MAX_BODY:
        raise RequestEntityTooLarge
    path, query = quote(request.path), request.query_string.decode("latin-1")
    return Request(
        method=request.method,
        url=base + path + (f"?{query}" if query else ""),
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True, errors="replace")),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=clock.now(),
        purpose=purpose,
        step=step,
    )


def _plain(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return Response(status, "text/plain; charset=utf-8", sentence.encode(), headers or {})


def _flask(response: Response) -> flask.Response:
    answer = flask.Response(response.body, response.status, dict(response.headers))
    answer.headers["Content-Type"] = response.content_type
    return answer
