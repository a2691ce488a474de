"""分流复核: the queue, one petition with its evidence, the suggestion; sent on, mended or ended from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from cases.errors import NotNow
from cases.models import Assignment, Case
from cases.operations import citizens, dispatch
from core.database import Database
from core.errors import HubError, Invalid, NotFound
from core.ids import grouped
from core.web.access import staff
from core.web.context import actor, now, tell
from core.web.forms import whole
from core.web.paging import Page, page_number
from core.web.parts import part
from organisations.people import Actor
from search.engine import SearchUnavailable
from search.service import SearchService
from workbench import actions, cases, doing
from workbench.queries import choices, lines, names, queue, story
from workbench.steps import BY_OPERATION, Step
from workbench.typed import Typed

_SIMILAR = 3
_UNDO = timedelta(seconds=15)  # ten on the screen, and the way to the server
_BESIDE = (
    "correct", "ask_citizen", "refuse", "guide", "direct_answer", "forward", "accept", "merge", "assign",
    "suspect_by_hand",
)  # fmt: skip


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/review", "review", page)
    blueprint.add_url_rule("/work/review/<int:case_id>/<operation>", "review_do", take, methods=["POST"])
    blueprint.add_url_rule("/work/review/<int:case_id>/undo", "review_undo", undo, methods=["POST"])


@staff("case.review")
def page() -> Any:
    """The queue and one case of it: the one that the address names, else the first."""
    return show(whole(flask.request.args.get("case"), 1), flask.request.args.get("do", ""))


@staff("case.review")
def take(case_id: int, operation: str) -> Any:
    """Take a step and go on to the next case; what was typed comes back when it was not possible."""
    step = BY_OPERATION.get(operation)
    if step is None or operation not in _BESIDE:
        raise NotFound()
    form = flask.request.form
    try:
        typed = Typed(_merged(form) if operation == "merge" else form)
        _step, result = doing.perform(part(Database), actor(), now(), operation, case_id, typed, seen=actions.seen())
    except doing.Overtaken as error:
        return show(case_id, operation, form, message=error.message, overtaken=error.seq, status=error.status)
    except Invalid as error:
        return show(case_id, operation, form, errors=error.fields, message=error.message, status=error.status)
    except NotFound:
        raise
    except HubError as error:
        return show(case_id, operation, form, message=error.message, status=error.status)
    _tell(case_id, step, result)
    stays = operation in ("correct", "accept")
    return flask.redirect(_address(case_id if stays else _next(case_id, form)))


def _merged(form: MultiDict[str, str]) -> MultiDict[str, str]:
    """The form with the number typed, or the one similar case that was ticked."""
    ticked = [value for value in form.getlist("into") if value]
    if len(ticked) > 1:
        raise Invalid({"into": _("一次只能并入一件事项，请只勾选一件。")})
    return MultiDict({**form.to_dict(), "into": ticked[0] if ticked else ""})


def _tell(case_id: int, step: Step, result: object) -> None:
    """Say what was done; sending a case on can be undone for ten seconds."""
    with part(Database).read() as session:
        number = session.scalar(select(Case.number).where(Case.id == case_id)) or ""
        lead = names.organisations(session, [result.organisation_id]) if isinstance(result, Assignment) else {}
    if isinstance(result, Assignment):
        said = _("%(number)s 已派往%(office)s", number=grouped(number), office=next(iter(lead.values()), ""))
        tell(said, undo_url=flask.url_for("workbench.review_undo", case_id=case_id))
    else:
        tell(_("%(number)s %(done)s", number=grouped(number), done=step.done))


def _next(case_id: int, form: Mapping[str, str]) -> int | None:
    """The case that stood after this one in the queue, as the page said."""
    following = whole(form.get("next"), 1)
    return None if following == case_id else following


def _address(case_id: int | None) -> str:
    tab = flask.request.args.get("tab") or None
    return flask.url_for("workbench.review", case=case_id, tab=tab)


@staff("case.review")
def undo(case_id: int) -> Any:
    """Take back what this person sent on a moment ago, unless it was signed; the case waits in the queue again."""
    who, at = actor(), now()
    with part(Database).write() as session:
        case = cases.load(session, who, case_id)
        query = select(Assignment).where(
            Assignment.case_id == case.id, Assignment.round == case.round, Assignment.assigner_id == who.account_id,
            Assignment.state == "to_sign", Assignment.created_at >= at - _UNDO,
        )  # fmt: skip
        rows = list(session.scalars(query.order_by(Assignment.role.desc(), Assignment.id)))
        lead = next((row for row in rows if row.role == "lead"), None)
        if lead is None:
            raise NotNow(_("已超过 10 秒或对方已签收，不能撤销。需要时请在办件页“收回”。"))
        dispatch.take_back(session, who, at, lead.id, reason=_("派单后立即撤销"))
        number = case.number
    tell(_("%(number)s 已撤销派单，回到待复核", number=grouped(number)))
    return flask.redirect(_address(case_id))


# --- the page ---------------------------------------------------------------------------------------------


def show(
    case_id: int | None,
    do: str = "",
    typed: MultiDict[str, str] | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    message: str = "",
    overtaken: int | None = None,
    status: int = 200,
) -> flask.Response:
    """The page with one case open, and with the form of a step where one was asked for."""
    who, at = actor(), now()
    tab = flask.request.args.get("tab", "all")
    tab = tab if tab in queue.TABS else "all"
    step = BY_OPERATION.get(do) if do in _BESIDE else None
    with part(Database).read() as session:
        counts = queue.counts(session, who, at)
        listed = _queue_page(session, who, tab, counts[tab])
        entries = queue.waiting(session, at, listed.items)
        case = _chosen(session, who, case_id, listed)
        view = _view(session, who, case, step, typed, overtaken) if case is not None else {}
    if case is not None:
        with part(Database).write() as session:
            citizens.note_read(session, who, at, case.id)
        view["similar"], view["search_down"] = _similar(who, case)
    page = flask.render_template(
        "workbench/review.html", page=listed, entries=entries, counts=counts, tab=tab, case=case, step=step,
        errors=errors or {}, message=message, do=do, found=_found(do), **view,
        **_neighbours(entries, case.id if case else 0),
    )  # fmt: skip
    return flask.make_response(page, status)


def _queue_page(session: Session, who: Actor, tab: str, total: int) -> Page[Case]:
    query = queue.waiting_query(who, now(), tab)
    number = min(page_number(), max(1, -(-total // queue.SIZE)))
    rows = session.scalars(query.limit(queue.SIZE).offset((number - 1) * queue.SIZE)).all()
    return Page(rows, number, total, queue.SIZE)


def _chosen(session: Session, who: Actor, case_id: int | None, listed: Page[Case]) -> Case | None:
    """The case that was asked for, if it (still) waits; else the first of the page."""
    if case_id is not None:
        case = cases.load(session, who, case_id)
        if case.stage == "review" or flask.request.method == "POST":
            return case
    return next(iter(listed.items), None)


def _view(
    session: Session,
    who: Actor,
    case: Case,
    step: Step | None,
    typed: MultiDict[str, str] | None,
    overtaken: int | None,
) -> dict[str, Any]:
    suggestion = queue.suggested(session, case)
    free, check = queue.excluded_note(session, case, suggestion)
    form = typed if typed is not None else _usual(case, step)
    return {
        "paper": queue.paper(session, who, case),
        "files": queue.files(session, case),
        "suggestion": suggestion,
        "free": free,
        "check": check,
        "form": form,
        "pick": cases.options(session, case, step),
        "matches": choices.find_offices(session, now(), flask.request.args.get("find", "")) if step else [],
        "missed": story.told(session, case.id, story.events_since(session, case.id, overtaken)) if overtaken else [],
        "copy": cases.other(session, who, case.copy_of_id),
    }


def _usual(case: Case, step: Step | None) -> MultiDict[str, str]:
    values = MultiDict[str, str]()
    if step is not None and step.operation == "correct":
        values["category"] = "|".join((case.level1 or "", case.level2 or "", case.level3 or ""))
        values["nature"], values["urgent"] = case.nature or "", "1" if case.urgent else ""
    return values


def _found(do: str) -> str:
    return flask.request.args.get("find", "").strip() if do == "assign" else ""


def _similar(who: Actor, case: Case) -> tuple[list[lines.Line], bool]:
    """Cases that speak of the same, that this person may see; and whether search is out of order."""
    try:
        found = part(SearchService).search_cases(who, case.title)
    except SearchUnavailable:
        return [], True
    others = [other for other in found.items if other.id != case.id and other.accusation == "no"][:_SIMILAR]
    if not others:
        return [], False
    with part(Database).read() as session:
        return lines.lines(session, who, now(), others), False


def _neighbours(entries: list[queue.Waiting], case_id: int) -> dict[str, int | None]:
    """The cases before and after the open one on this page of the queue."""
    ids = [entry.id for entry in entries]
    if case_id not in ids:
        return {"before": None, "after": ids[0] if ids else None}
    at = ids.index(case_id)
    return {"before": ids[at - 1] if at else None, "after": ids[at + 1] if at + 1 < len(ids) else None}
