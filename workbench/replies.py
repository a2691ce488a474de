"""公开审核: a second person reads what was proposed, sees what was masked, and releases, refuses or withdraws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Case, PublishedReply, Submission
from cases.operations import publishing
from core.database import Database
from core.errors import HubError, NotFound
from core.web.access import staff
from core.web.context import actor, now, tell
from core.web.forms import typed, whole
from core.web.paging import SIZE, Page, page_number
from core.web.parts import part
from organisations.people import Actor
from workbench.queries import names

STATES = ("proposed", "released", "refused", "withdrawn")


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/replies", "replies", page)
    blueprint.add_url_rule("/work/replies/<int:reply_id>", "reply", one)
    blueprint.add_url_rule("/work/replies/<int:reply_id>", "reply_decide", decide, methods=["POST"])


@staff("reply.release")
def page() -> Any:
    """The replies of one state: what waits oldest first, the others newest first."""
    state = flask.request.args.get("state", "proposed")
    state = state if state in STATES else "proposed"
    with part(Database).read() as session:
        query = _query(actor(), state)
        total = _count(session, query)
        number = min(page_number(), max(1, -(-total // SIZE)))
        rows = list(session.scalars(query.limit(SIZE).offset((number - 1) * SIZE)))
        offices = names.organisations(session, (row.organisation_id for row in rows))
        people = names.accounts(session, (row.proposed_by_id for row in rows))
        waiting = _count(session, _query(actor(), "proposed"))
    return flask.render_template(
        "workbench/replies.html", page=Page(rows, number, total, SIZE), state=state, offices=offices, people=people,
        waiting=waiting,
    )  # fmt: skip


def _query(who: Actor, state: str) -> Select[Any]:
    """Never anything that may be an accusation, or that this person is kept away from."""
    query = (
        select(PublishedReply)
        .join(Case, Case.id == PublishedReply.case_id)
        .where(PublishedReply.state == state, Case.accusation == "no", visibility.not_excluded(who))
    )
    if state == "proposed":
        return query.order_by(PublishedReply.proposed_at, PublishedReply.id)
    return query.order_by(PublishedReply.published_at.desc(), PublishedReply.id.desc())


def _count(session: Session, query: Select[Any]) -> int:
    ids = query.order_by(None).with_only_columns(PublishedReply.id).subquery()
    return session.scalar(select(func.count()).select_from(ids)) or 0


@staff("reply.release")
def one(reply_id: int) -> Any:
    """One reply, with the words that were masked; seeing them is on the audit record."""
    return _show(reply_id)


def _show(reply_id: int, message: str = "", status: int = 200) -> flask.Response:
    who, at = actor(), now()
    with part(Database).write() as session:
        words = publishing.masked_words(session, who, at, reply_id)
        row = session.get_one(PublishedReply, reply_id)
        submission = session.get_one(Submission, row.submission_id)
        case = session.get_one(Case, row.case_id)
        view = {
            "row": row, "words": words, "case": case, "consent": submission.consent_publish,
            "may_see": visibility.may_see(session, who, case),
            "proposer": names.accounts(session, [row.proposed_by_id]).get(row.proposed_by_id or 0, ""),
            "office": names.organisations(session, [row.organisation_id]).get(row.organisation_id or 0, ""),
            "stars": {name: starred(getattr(row, name)) for name in ("title", "question", "reply")},
        }  # fmt: skip
    own = row.proposed_by_id is not None and row.proposed_by_id == who.account_id
    page = flask.render_template("workbench/reply.html", message=message, own=own, kinds=_kinds(), **view)
    return flask.make_response(page, status)


def starred(text: str) -> list[tuple[int, int]]:
    """Where a text was masked: its runs of asterisks."""
    spans: list[tuple[int, int]] = []
    start = None
    for at, letter in enumerate(text + " "):
        if letter == "*" and start is None:
            start = at
        elif letter != "*" and start is not None:
            spans.append((start, at))
            start = None
    return spans


def _kinds() -> dict[str, str]:
    return {
        "phone": _("电话"),
        "id_number": _("身份证号"),
        "bank_card": _("银行卡号"),
        "plate": _("车牌"),
        "email": _("邮箱"),
        "name": _("姓名"),
        "door": _("门牌"),
        "declared": _("登记的姓名或电话"),
    }


@staff("reply.release")
def decide(reply_id: int) -> Any:
    """Release, refuse or withdraw; the operation checks that it is another person than the one who proposed."""
    what, reason = typed("do", 20), typed("reason", 200)
    version = whole(flask.request.form.get("version"))
    acts: dict[str, tuple[Callable[[Session], object], str]] = {
        "release": (lambda s: publishing.release(s, actor(), now(), reply_id, version=version), _("已发布")),
        "refuse": (lambda s: publishing.refuse(s, actor(), now(), reply_id, reason), _("已标为不予公开")),
        "withdraw": (
            lambda s: publishing.withdraw(s, actor(), now(), reply_id, reason),
            _("已撤下，不再能查到"),
        ),
    }
    if what not in acts:
        raise NotFound()
    act, done = acts[what]
    try:
        with part(Database).write() as session:
            act(session)
    except NotFound:
        raise
    except HubError as error:
        return _show(reply_id, error.message, error.status)
    tell(done)
    return flask.redirect(flask.url_for("workbench.replies"))
