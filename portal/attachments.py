"""Files of a citizen's own submission, and those of the answers served to it; nobody else's."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import flask
from sqlalchemy import or_, select

from cases.models import Answer, AnswerSubmission, Attachment
from core.database import Database
from core.errors import NotFound
from core.files import FileStore
from core.web.access import public
from core.web.parts import part
from portal import access

INLINE = {"image/jpeg", "image/png", "application/pdf"}


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/progress/files/<int:attachment_id>", "file", file_page)


@public
def file_page(attachment_id: int) -> Any:
    """One file, shown in the browser when it is a picture or PDF, else as a download. Raises NotFound."""
    submission_id = access.opened()
    if submission_id is None:
        raise NotFound()
    served = (
        select(Answer.id)
        .join(AnswerSubmission, AnswerSubmission.answer_id == Answer.id)
        .where(AnswerSubmission.submission_id == submission_id, Answer.kind == "citizen", Answer.served_at.is_not(None))
    )
    own = or_(Attachment.submission_id == submission_id, Attachment.answer_id.in_(served))
    with part(Database).read() as session:
        row = session.scalar(select(Attachment).where(Attachment.id == attachment_id, own))
        if row is None:
            raise NotFound()
        name, media_type, key = row.name or "", row.media_type, row.key
    response = flask.make_response(part(FileStore).read(key))
    inline = media_type in INLINE
    response.headers["Content-Type"] = media_type if inline else "application/octet-stream"
    way = "inline" if inline else "attachment"
    response.headers["Content-Disposition"] = f"{way}; filename*=UTF-8''{quote(name)}"
    # The browser's own PDF viewer does not start inside a sandbox.
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = policy if media_type == "application/pdf" else f"sandbox; {policy}"
    response.headers["Cache-Control"] = "private, no-store"
    return response
