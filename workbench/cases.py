"""办件: the list with its filters, a case's file, what is revealed on record, and the list as a table."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from cases import visibility
from cases.models import Answer, Assignment, Case
from cases.operations import citizens
from cases.status import STATUSES
from cases.workflow import ASSIGNMENT_STATES, CASE_STAGES, OPEN_ASSIGNMENTS
from core import audit
from core.clock import to_local
from core.database import Database
from core.errors import NotFound
from core.sheets import write_xlsx
from core.web.access import signed_in, staff
from core.web.context import actor, now
from core.web.forms import whole
from core.web.paging import SIZE, Page, page_number
from core.web.parts import part
from organisations.people import Actor
from search.engine import Page as SearchPage
from search.engine import SearchUnavailable
from search.service import NARROWED, SearchService
from supervision import lateness
from workbench import doing, steps
from workbench.queries import casefile, choices, lines, listing, names, story

READS = ("case.read", "case.review", "case.supervise", "call.register")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/cases", "cases", case_list)
    blueprint.add_url_rule("/work/cases/export", "cases_export", export, methods=["POST"])
    blueprint.add_url_rule("/work/cases/<int:case_id>", "case", case_page)
    blueprint.add_url_rule("/work/cases/<int:case_id>/reveal", "case_reveal", reveal, methods=["POST"])


# --- the list ---------------------------------------------------------------------------------------------


@staff(*READS)
def case_list() -> Any:
    """The cases that this person may see, narrowed by the address's filters or found by what was typed."""
    who, at = actor(), now()
    filters = listing.from_arguments(flask.request.args)
    among, more = None, False
    try:
        if filters.q and filters.beside_text:
            among, more = part(SearchService).case_ids(who, filters.q)
        found = _search(who, filters.q) if filters.q and among is None else None
        unavailable = False
    except SearchUnavailable:  # the list is then shown without what was typed
        found, unavailable = None, True
    if found is not None and len(found.items) == 1 and found.total == 1 and page_number() == 1:
        return flask.redirect(flask.url_for("workbench.case", case_id=found.items[0].id))
    with part(Database).read() as session:
        query = listing.query_of(session, who, at, filters)
        if among is not None:
            query = query.where(Case.id.in_(among))
        page = found or listing.page_of(session, query, page_number())
        shown = lines.lines(session, who, at, page.items)
        options = {"organisations": listing.organisation_options(session), "areas": listing.area_options(session)}
    return flask.render_template(
        "workbench/cases.html", page=page, lines=shown, filters=filters, options=options, unavailable=unavailable,
        narrowed=NARROWED if more else 0, near_days=lateness.NEAR.days,
        level1_pairs=[(one, one) for one in choices.level1_options()],
        most=listing.COUNTED, may_export=who.can("export") and not filters.q,
    )  # fmt: skip


def _search(who: Actor, q: str) -> Page[Case]:
    """What search finds, the best first, as a page. Raises SearchUnavailable."""
    at = page_number()
    found = part(SearchService).search_cases(who, q, page=SearchPage(at, SIZE))
    total = found.total if found.total is not None else (at - 1) * SIZE + len(found.items)
    return Page(found.items, at, total, SIZE)


@staff("export")
def export() -> flask.Response:
    """The list in hand as a workbook; on the audit record. Texts are the masked ones."""
    who, at = actor(), now()
    filters = listing.from_arguments(flask.request.form)
    heads = [_("编号"), _("事项"), _("状态"), _("内容分类"), _("性质"), _("渠道"), _("区域"), _("主办单位"),
             _("收到时间"), _("办理期限"), _("牌")]  # fmt: skip
    with part(Database).write() as session:
        page = listing.page_of(session, listing.query_of(session, who, at, filters), 1, listing.EXPORTED)
        shown = lines.lines(session, who, at, page.items)
        audit.record(session, at=at, actor_id=who.account_id, action="exported", subject="cases",
                     details={"rows": len(shown), "status": filters.status})  # fmt: skip
    cards = {"yellow": _("黄牌"), "red": _("红牌")}
    rows = [
        [line.number, line.title, state_word(line.state), line.category, line.nature, line.channel, line.area,
         line.lead, line.received_at, line.due_at, cards.get(line.card, "")]
        for line in shown
    ]  # fmt: skip
    return sheet([heads, *rows], _("办件"), at)


def sheet(rows: Sequence[Sequence[Any]], title: str, at: Any) -> flask.Response:
    """A workbook as a download, named by its title and the day."""
    name = f"{title}-{to_local(at):%Y%m%d-%H%M}.xlsx"
    return flask.send_file(io.BytesIO(write_xlsx(rows, title)), XLSX, as_attachment=True, download_name=name)


def state_word(state: str) -> str:
    """The Chinese word of a case's status, its stage or an assignment's state."""
    if state in STATUSES:
        return STATUSES[state]
    return (ASSIGNMENT_STATES.get(state) or CASE_STAGES.get(state) or (state,))[0]


# --- one case ---------------------------------------------------------------------------------------------


@signed_in
def case_page(case_id: int) -> Any:
    """A case's file; whoever may not see the case learns nothing of it. Each reading is on the audit record."""
    who, at = actor(), now()
    with part(Database).write() as session:
        load(session, who, case_id)
        citizens.note_read(session, who, at, case_id)
    step = steps.BY_OPERATION.get(flask.request.args.get("do", ""))
    return show(case_id, step=step, assignment_id=whole(flask.request.args.get("a"), 1))


@signed_in
def reveal(case_id: int) -> Any:
    """One personal value in full, on the audit record; the page is the answer to the form, never an address."""
    who, at = actor(), now()
    submission_id = whole(flask.request.form.get("submission"), 1)
    kind = flask.request.form.get("kind", "")
    if submission_id is None:
        raise NotFound()
    with part(Database).write() as session:
        load(session, who, case_id)
        value = citizens.reveal(session, who, at, kind, submission_id)
        _submission, case = citizens.visible_submission(session, who, submission_id)
        if case.id != case_id:
            raise NotFound()
    if kind == "phone" and not value:
        value = _("未填写")
    return show(case_id, revealed={(submission_id, kind): value})


def load(session: Session, who: Actor, case_id: int) -> Case:
    """A case that this person may see. Raises NotFound, whether it is absent or another's."""
    case = session.get(Case, case_id)
    if case is None or not visibility.may_see(session, who, case):
        raise NotFound()
    return case


def other(session: Session, who: Actor, case_id: int | None) -> Case | None:
    """A case that another points to, when this person may see it."""
    return None if case_id is None else casefile.other(session, who, case_id)


def show(
    case_id: int,
    *,
    step: steps.Step | None = None,
    assignment_id: int | None = None,
    typed: MultiDict[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    message: str = "",
    overtaken: int | None = None,
    revealed: casefile.Revealed | None = None,
    status: int = 200,
) -> flask.Response:
    """The page of a case, with the form of a step and what was typed in it; `overtaken`: the event last seen."""
    who, at = actor(), now()
    with part(Database).read() as session:
        case = load(session, who, case_id)
        file = casefile.read(session, who, at, case, revealed)
        offices = names.organisations(session, (row.organisation_id for row in file.assignments))
        offers = doing.offers(session, who, at, case, file.assignments, offices)
        chosen = _chosen(offers, step, assignment_id)
        missed = story.told(session, case.id, story.events_since(session, case.id, overtaken)) if overtaken else []
        form = form_values(session, file, chosen, typed)
        lost = _typed_in_vain(step, typed) if chosen is None else []
        pick = options(session, case, chosen.step if chosen else None)
        reader = casefile.is_reader(session, who, case)
        people = choices.colleagues(session, who.organisation_ids) if reader else []
        everybody = choices.offices(session, at) if reader else []
    page = flask.render_template(
        "workbench/case.html", file=file, case=case, offers=offers, chosen=chosen, form=form, pick=pick,
        errors=errors or {}, message=message, missed=missed, lost=lost, is_reader=reader, people=people,
        everybody=everybody, group=flask.request.args.get("events", ""),
        others=open_co_handlers(file, chosen.assignment if chosen else None),
    )  # fmt: skip
    return flask.make_response(page, status)


def _chosen(offers: Sequence[doing.Offer], step: steps.Step | None, assignment_id: int | None) -> doing.Offer | None:
    if step is None:
        return None
    fitting = [offer for offer in offers if offer.step is step and not offer.refused]
    return next(
        (offer for offer in fitting if offer.assignment_id == (assignment_id or 0)), fitting[0] if fitting else None
    )


def _typed_in_vain(step: steps.Step | None, typed: MultiDict[str, str] | None) -> list[tuple[object, str]]:
    """The texts of a form whose step is open no more, to be copied: label and text."""
    if step is None or typed is None:
        return []
    texts = [
        (field.label, typed.get(field.name, "").strip()) for field in step.fields if field.kind in ("area", "line")
    ]
    return [(label, text) for label, text in texts if text]


def form_values(
    session: Session, file: casefile.CaseFile, chosen: doing.Offer | None, typed: MultiDict[str, str] | None
) -> MultiDict[str, str]:
    """What the form of a step shows: what was typed, else what the case already says."""
    if typed is not None:
        return typed
    case, values = file.case, MultiDict[str, str]()
    if chosen is None:
        return values
    operation = chosen.step.operation
    if operation == "correct":
        values["category"] = "|".join((case.level1 or "", case.level2 or "", case.level3 or ""))
        values["nature"] = case.nature or ""
        values["urgent"] = "1" if case.urgent else ""
    elif operation == "confirm":
        values["answer"] = _drafted(file, chosen.assignment)
    elif operation == "propose" and file.papers:
        values["title"], values["question"] = file.papers[0].title, file.papers[0].text
        values["reply"] = next((one["text"] for one in file.answers if one["row"].kind == "citizen"), "")
    elif operation == "merge" and file.copy_of is not None:
        values["into"] = file.copy_of.number
    return values


def _drafted(file: casefile.CaseFile, assignment: Assignment | None) -> str:
    rows: list[Answer] = [one["row"] for one in file.answers]
    drafted = (row for row in rows if assignment and row.assignment_id == assignment.id and row.kind == "citizen")
    return next((row.text or "" for row in drafted if row.state == "written"), "")


def options(session: Session, case: Case, step: steps.Step | None) -> dict[str, Any]:
    """What the fields of a step's form let choose."""
    kinds = {field.kind for field in step.fields} if step else set()
    pick: dict[str, Any] = {}
    if kinds & {"office", "offices"}:
        pick["offices"] = choices.offices_to_handle(session, now())
    if "category" in kinds:
        pick["categories"] = choices.category_options()
    for field in step.fields if step else ():
        if field.kind == "terms":
            pick[field.source] = [(name, name) for _code, name in names.terms(session, field.source)]
        elif field.kind == "grounds":
            pick[field.source] = choices.grounds(session, case.track, field.source)
    return pick


def open_co_handlers(file: casefile.CaseFile, lead: Assignment | None) -> list[tuple[int, str]]:
    """The co-handlers beside a lead that have not fed back: the lead states their opinion."""
    branches = {branch.id: branch for branch in _flat(file.branches)}
    return [
        (row.id, branches[row.id].office)
        for row in file.assignments
        if lead is not None and row.role == "co" and row.parent_id == lead.parent_id and row.state in OPEN_ASSIGNMENTS
        and row.state != "fed_back" and row.id in branches
    ]  # fmt: skip


def _flat(branches: Sequence[casefile.Branch]) -> list[casefile.Branch]:
    return [one for branch in branches for one in (branch, *_flat(branch.children))]
