"""Small helps for forms: a token that makes a double click one submission, whole numbers, what was typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time

import flask

from core import ids
from core.clock import from_local

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}")


def form_token() -> str:
    """A random id for one form; it goes out in a hidden field and is the idempotency key when it comes back."""
    return ids.token()


def token_of(form: Mapping[str, str], name: str = "form_token") -> str:
    """The token that came back, or a fresh one when it is missing or malformed."""
    given = form.get(name, "")
    return given if _TOKEN.fullmatch(given) else form_token()


def whole(text: str | None, least: int = 0, most: int = 2**63 - 1) -> int | None:
    """A whole number typed or in an address (full-width digits too), within limits; else None."""
    typed = (text or "").strip()
    if not typed.isdecimal() or len(typed) > 19:
        return None
    number = int(typed)
    return number if least <= number <= most else None


def day_of(text: str | None) -> date | None:
    """A day as date inputs send it (2026-11-24); else None."""
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


def time_of(text: str | None) -> time | None:
    """A time of day as time inputs send it (09:00); else None."""
    try:
        return time.fromisoformat((text or "").strip()).replace(tzinfo=None)
    except ValueError:
        return None


def moment_of(text: str | None) -> datetime | None:
    """A local moment as datetime-local inputs send it, as aware UTC; else None."""
    try:
        return from_local(datetime.fromisoformat((text or "").strip()).replace(tzinfo=None))
    except ValueError:
        return None


def typed(name: str, most: int = 20_000) -> str:
    """A field of the form in hand, trimmed, at most so long; without the null character, which PostgreSQL refuses."""
    return flask.request.form.get(name, "").replace("\x00", "").strip()[:most]


def ticked(name: str) -> bool:
    """Whether a check box of the form in hand is ticked."""
    return flask.request.form.get(name, "") in ("1", "on", "yes", "true")
