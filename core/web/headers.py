"""What every answer carries: the content policy, no sniffing, no framing; the host check and trusted proxies."""

from __future__ import annotations

from urllib.parse import urlsplit

import flask
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

from core.config import Settings
from core.web.context import known_person

# data: only for the stylesheet's own arrow in select boxes.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=()",
}
_YEAR = 31_536_000


class UnknownHost(BadRequest):
    """The request names a host that is not this hub's."""


def trust_proxies(app: flask.Flask, settings: Settings) -> None:
    """Believe exactly the configured number of proxies about the caller's address and https; by default none.

    The proxy must pass the Host header on; X-Forwarded-Host is never believed.
    """
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0)  # type: ignore[method-assign]


def check_host(settings: Settings) -> None:
    """Raise UnknownHost when a public address is configured and the request was meant for another."""
    if not settings.public_url:
        return
    try:
        asked = urlsplit(f"//{flask.request.host}").hostname
    except ValueError:
        asked = None
    if asked != urlsplit(settings.public_url).hostname:
        raise UnknownHost()


def add_headers(response: flask.Response, settings: Settings) -> flask.Response:
    """Add the headers that are not set yet; a view that sends attachments sets a policy of its own."""
    if "Content-Security-Policy" not in response.headers:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Frame-Options"] = "DENY"
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if settings.public_url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
    if flask.request.method not in ("GET", "HEAD") or known_person() is not None:
        response.headers["Cache-Control"] = "no-store"
    elif response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
