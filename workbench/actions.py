"""Taking a step from a case's page: checked, done, told; what was typed is never lost."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _

from cases.operations import attachments
from core.database import Database
from core.errors import HubError, Invalid, NotFound
from core.files import FileStore
from core.ids import grouped
from core.uploads import inspect_all
from core.web.access import signed_in, takes_files
from core.web.context import actor, now, tell
from core.web.forms import whole
from core.web.parts import part
from workbench import cases, doing
from workbench.steps import BY_OPERATION
from workbench.typed import Typed


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/cases/<int:case_id>/do/<operation>", "case_do", take, methods=["POST"])
    blueprint.add_url_rule("/work/cases/<int:case_id>/files", "case_files", add_files, methods=["POST"])


@takes_files
@signed_in
def take(case_id: int, operation: str) -> Any:
    """Take one step; the operation itself checks who may. Errors come back with the form as it was typed."""
    step = BY_OPERATION.get(operation)
    if step is None:
        raise NotFound()
    form = flask.request.form
    assignment_id = whole(form.get("assignment"), 1)
    try:
        number = _take(case_id, operation, assignment_id)
    except doing.Overtaken as error:
        return cases.show(case_id, step=step, assignment_id=assignment_id, typed=form, overtaken=error.seq,
                          message=error.message, status=error.status)  # fmt: skip
    except Invalid as error:
        return cases.show(case_id, step=step, assignment_id=assignment_id, typed=form, errors=error.fields,
                          message=error.message, status=error.status)  # fmt: skip
    except NotFound:
        raise
    except HubError as error:
        return cases.show(case_id, step=step, assignment_id=assignment_id, typed=form, message=error.message,
                          status=error.status)  # fmt: skip
    tell(_("%(number)s %(done)s", number=grouped(number), done=step.done))
    return flask.redirect(_after(case_id))


def _take(case_id: int, operation: str, assignment_id: int | None) -> str:
    """Do it; gives the case's number. Files are judged and kept before the write session begins."""
    who, at = actor(), now()
    db = part(Database)
    with db.read() as session:
        number = cases.load(session, who, case_id).number
    files = doing.keep_files(part(FileStore), uploaded())
    doing.perform(
        db, who, at, operation, case_id, Typed(flask.request.form), seen=seen(), assignment_id=assignment_id,
        files=files,
    )  # fmt: skip
    return number


def uploaded() -> list[Any]:
    """The files of the form in hand, judged. Raises Invalid."""
    given = [(file.filename or "", file.read()) for file in flask.request.files.getlist("files")]
    return inspect_all(given)


def seen() -> doing.Seen | None:
    """What the person saw when they opened the form; None when the form does not say."""
    version, seq = whole(flask.request.form.get("version")), whole(flask.request.form.get("seq"))
    return None if version is None or seq is None else doing.Seen(version, seq)


def _after(case_id: int) -> str:
    """Where to go on: the case, or home when the case is no longer this person's to see."""
    with part(Database).read() as session:
        try:
            cases.load(session, actor(), case_id)
        except NotFound:
            return flask.url_for("workbench.home")
    return flask.url_for("workbench.case", case_id=case_id)


@takes_files
@signed_in
def add_files(case_id: int) -> Any:
    """Files beside a case, from whoever may see it and works with cases."""
    who, at = actor(), now()
    with part(Database).read() as session:
        cases.load(session, who, case_id)
    try:
        judged = uploaded()
        if not judged:
            raise Invalid({"files": _("请先选择要上传的文件。")})
        kept = doing.keep_files(part(FileStore), judged)
        with part(Database).write() as session:
            attachments.add_evidence(session, who, at, case_id, kept)
    except Invalid as error:
        return cases.show(case_id, errors=error.fields, message=error.message, status=error.status)
    tell(_("已上传 %(n)s 个附件", n=len(kept)))
    return flask.redirect(flask.url_for("workbench.case", case_id=case_id))
