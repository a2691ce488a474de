"""Rate limits for courtesy: they live in this process's memory. Whatever security rests on is rows in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

View = TypeVar("View", bound=Callable[..., Any])


def limited(rule: str, methods: tuple[str, ...] = ("POST",)) -> Callable[[View], View]:
    """Mark a view: at most so many requests from one address, such as "20 per minute"; counted for these methods."""

    def mark(view: View) -> View:
        view.__limit__ = (rule, methods)  # type: ignore[attr-defined]
        return view

    return mark


def install(app: flask.Flask) -> None:
    """Give the application its counter."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    # Views without a limit are let through before it looks for one at each request.
    limiter.request_filter(lambda: not hasattr(app.view_functions.get(flask.request.endpoint or ""), "__limit__"))
    app.extensions["lx_limiter"] = limiter
    app.extensions["lx_limits"] = {}


def check(app: flask.Flask, endpoint: str) -> None:
    """Count this request against its view's limit. Raises 429."""
    rule, methods = getattr(app.view_functions[endpoint], "__limit__", ("", ()))
    if not rule or flask.request.method not in methods:
        return
    known = app.extensions["lx_limits"]
    if endpoint not in known:
        known[endpoint] = app.extensions["lx_limiter"].limit(rule, scope=endpoint)
    with known[endpoint]:
        pass
