"""Rate limits for courtesy: they live in this process's memory. Whatever security rests on is rows in the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import flask
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

View = TypeVar("View", bound=Callable[..., Any])
_parsed = lru_cache(parse)


def limited(rule: str, methods: tuple[str, ...] = ("POST",)) -> Callable[[View], View]:
    """Mark a view: at most so many requests from one address, such as "20 per minute"; counted for these methods."""

    def mark(view: View) -> View:
        view.__limit__ = (rule, methods)  # type: ignore[attr-defined]
        return view

    return mark


def install(app: flask.Flask) -> None:
    """Give the application its counter."""
    app.extensions["lx_limiter"] = FixedWindowRateLimiter(MemoryStorage())


def check(app: flask.Flask, endpoint: str) -> None:
    """Count this request against its view's limit. Raises TooManyRequests."""
    rule, methods = getattr(app.view_functions[endpoint], "__limit__", ("", ()))
    if not rule or flask.request.method not in methods:
        return
    limiter: FixedWindowRateLimiter = app.extensions["lx_limiter"]
    if not limiter.hit(_parsed(rule), endpoint, flask.request.remote_addr or ""):
        raise TooManyRequests()
