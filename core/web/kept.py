"""What was typed when a session had ended or a form's token did not fit: shown back or kept sealed, so nothing is lost.

Only for forms sent from our own pages: another site can't have a form of its making finished here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import flask

from core.crypto import CannotOpen, ring
from core.web.context import LOGIN, safe_next, same_origin

_WHERE = "kept_form"
_MOST = 90_000  # characters; sealed they still fit into a form
_NEVER = {"csrf_token", "password", "old", "again", "code", "kept"}


@dataclass(frozen=True)
class Kept:
    """A form as it was sent: where to, its fields in order, and whether files went with it (to be chosen again)."""

    path: str
    fields: tuple[tuple[str, str], ...]
    files: bool = False


def from_request() -> Kept | None:
    """The form in hand, without passwords and tokens; None when it came from elsewhere or holds nothing."""
    request = flask.request
    if request.method != "POST" or request.path == LOGIN or not same_origin():
        return None
    fields = tuple((name, value) for name, value in request.form.items(multi=True) if name not in _NEVER)
    path = safe_next(request.full_path.rstrip("?"))
    if not fields or not path or sum(len(value) for _name, value in fields) > _MOST:
        return None
    return Kept(path, fields, any(file.filename for file in request.files.values()))


def to_copy() -> tuple[str, ...]:
    """What was typed in a form that can't be sent again, to be shown and copied; nothing when another site sent it.

    A browser that names no sender at all is believed: what is shown can't be sent on from there.
    """
    request = flask.request
    unnamed = not any(name in request.headers for name in ("Sec-Fetch-Site", "Origin", "Referer"))
    if request.path == LOGIN or not (unnamed or same_origin()):
        return ()
    secret = _NEVER | {"query_code", "number"}
    fields = ((name, value) for name, value in request.form.items(multi=True) if name not in secret)
    return tuple(
        value for name, value in fields
        if len(value) > 1 and not name.endswith("_token") and "password" not in name
    )  # fmt: skip


def seal(kept: Kept) -> str:
    """The form as a sealed text, for a hidden field of the sign-in page."""
    return ring().seal(json.dumps([kept.path, kept.fields, kept.files], ensure_ascii=False), _WHERE)


def unseal(sealed: str) -> Kept | None:
    """The form that was sealed; None when it was changed or its key is gone."""
    try:
        path, fields, files = json.loads(ring().open(sealed, _WHERE))
    except (CannotOpen, ValueError):
        return None
    pairs: Iterable[tuple[str, str]] = ((str(name), str(value)) for name, value in fields)
    return Kept(str(path), tuple(pairs), bool(files))
