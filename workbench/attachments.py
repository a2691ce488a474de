"""Attachments looked at in place: each opening is checked and on the audit record; the bytes run nothing."""

from __future__ import annotations

import io
from typing import Any

import flask
from sqlalchemy.orm import Session

from cases.models import Attachment, Case
from cases.operations import attachments as files
from cases.operations import base
from core.database import Database
from core.errors import Forbidden, NotFound
from core.files import FileStore
from core.web.access import signed_in
from core.web.context import actor, now
from core.web.parts import part
from organisations.people import Actor
from workbench import cases

# Shown by the browser itself; everything else is a download.
SHOWN = {
    "image": ("image/jpeg", "image/png", "image/gif", "image/webp"),
    "pdf": ("application/pdf",),
    "audio": ("audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/x-wav", "audio/amr", "audio/aac"),
    "video": ("video/mp4", "video/webm", "video/quicktime"),
    "text": ("text/plain",),
}
_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
)


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/attachments/<int:attachment_id>", "attachment", page)
    blueprint.add_url_rule("/work/attachments/<int:attachment_id>/file", "attachment_file", file)


def is_shown(attachment: Attachment) -> bool:
    """Whether a browser may show it in place."""
    return attachment.media_type in SHOWN.get(attachment.kind, ())


def _visible(session: Session, who: Actor, attachment_id: int) -> tuple[Attachment, Case]:
    """A file and its case, when this person may see both. Raises NotFound, Forbidden."""
    attachment = session.get(Attachment, attachment_id)
    if attachment is None:
        raise NotFound()
    case_id = attachment.case_id or base.case_of(session, attachment.submission_id or 0).id
    case = cases.load(session, who, case_id)
    if not files.may_open(session, who, attachment):
        raise Forbidden(message=files.WITHHELD)
    return attachment, case


@signed_in
def page(attachment_id: int) -> Any:
    """The file in its frame, with the way back to its case. Whoever may not see the case finds nothing."""
    with part(Database).read() as session:
        attachment, case = _visible(session, actor(), attachment_id)
    return flask.render_template("workbench/attachment.html", file=attachment, case=case, shown=is_shown(attachment))


@signed_in
def file(attachment_id: int) -> flask.Response:
    """The bytes, in parts when asked for (Range), under a policy of their own."""
    with part(Database).write() as session:
        attachment = files.open_attachment(session, actor(), now(), attachment_id)
        name, media_type, key = attachment.name or "file", attachment.media_type, attachment.key
        download = not is_shown(attachment) or flask.request.args.get("download") == "1"
        digest = attachment.sha256
    data = part(FileStore).read(key)
    if not data:
        raise NotFound()
    response = flask.send_file(
        io.BytesIO(data), mimetype="application/octet-stream" if download else media_type, as_attachment=download,
        download_name=name, conditional=True, etag=digest, max_age=0,
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
