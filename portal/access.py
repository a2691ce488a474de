"""Who may see a submission here: whoever showed number and code, for half an hour, in this browser.

Kept in the signed cookie of the form session, never in an address. It names the code it was opened with, so that a new
code (issued at the desk) ends it at once.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import QueryCode
from cases.operations import codes
from core.clock import Clock
from core.crypto import CannotOpen, ring
from core.database import Database
from core.web.context import now
from core.web.parts import part

KEEP = timedelta(minutes=30)
RECEIPT_KEEP = timedelta(minutes=30)
PRIVATE = frozenset({"portal.progress", "portal.draft", "portal.done", "portal.file"})
_OPEN, _RECEIPT = "lx_progress", "lx_receipt"


def enter(number: str, code: str) -> int:
    """Check number and code and open the submission in this browser; gives its id. Raises WrongCode, TooManyTries."""
    asker = flask.request.remote_addr or "unknown"
    submission_id = codes.check(part(Database), part(Clock), number, code, asker)  # type: ignore[type-abstract]
    with part(Database).read() as session:
        open_for(session, submission_id)
    return submission_id


def open_for(session: Session, submission_id: int) -> None:
    """Open a submission in this browser: its owner was just recognised."""
    code_id = session.scalar(
        select(QueryCode.id).where(QueryCode.submission_id == submission_id, QueryCode.ended_at.is_(None))
    )
    if code_id is not None:
        flask.session[_OPEN] = [str(submission_id), str(code_id), int((now() + KEEP).timestamp())]


def opened() -> int | None:
    """The id of the submission that is open in this browser, or None; looking keeps it open."""
    submission_id = _opened()
    if submission_id is None:
        flask.session.pop(_OPEN, None)
    return submission_id


def _opened() -> int | None:
    try:
        submission_id, code_id, until = flask.session[_OPEN]
        ids = int(submission_id), int(code_id)
        if int(until) <= now().timestamp():
            return None
    except (KeyError, TypeError, ValueError):
        return None
    with part(Database).read() as session:
        valid = session.scalar(
            select(QueryCode.id).where(
                QueryCode.id == ids[1], QueryCode.submission_id == ids[0], QueryCode.ended_at.is_(None)
            )
        )
    if valid is None:
        return None
    flask.session[_OPEN] = [submission_id, code_id, int((now() + KEEP).timestamp())]
    return ids[0]


def leave() -> None:
    """Close what is open in this browser."""
    flask.session.pop(_OPEN, None)
    flask.session.pop(_RECEIPT, None)


def keep_private(response: flask.Response) -> flask.Response:
    """Let no browser keep a page that shows somebody's own submission: the next person may go back to it."""
    if flask.request.endpoint in PRIVATE or flask.request.args.get("draft"):
        response.headers["Cache-Control"] = "no-store"
    return response


# --- the receipt ------------------------------------------------------------------------------------------------------


def keep_receipt(submission_id: int, code: str | None, at: datetime, kind: str = "new") -> None:
    """Keep what the page after submitting shows, sealed: the code is nowhere else in plain words.

    `kind`: new, draft (one that had its number and code before), copy (an exact one of an earlier submission).
    """
    content = json.dumps([str(submission_id), code, kind, int((at + RECEIPT_KEEP).timestamp())])
    flask.session[_RECEIPT] = ring().seal(content, _RECEIPT)


def receipt() -> tuple[int, str | None, str] | None:
    """The submission just made in this browser, its code and the kind of receipt, for half an hour; else None."""
    try:
        submission_id, code, kind, until = json.loads(ring().open(flask.session[_RECEIPT], _RECEIPT))
    except (KeyError, CannotOpen, ValueError, TypeError, AttributeError):
        return None
    if until <= now().timestamp():
        flask.session.pop(_RECEIPT, None)
        return None
    return int(submission_id), code, kind
