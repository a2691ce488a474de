"""我要反映: writing, the step that shows similar replies, sending, keeping a draft and going on with it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import flask
from flask_babel import gettext as _

from cases import clocks
from cases.errors import TooManyTries, WrongCode
from cases.models import Case, Submission
from cases.operations import accusations, base, codes, drafts, submissions
from cases.operations.inputs import FileGiven
from cases.operations.submissions import Submitted
from core.clock import Clock
from core.crypto import CannotOpen, ring
from core.database import Database
from core.errors import Invalid
from core.web.access import public, takes_files
from core.web.context import now
from core.web.forms import form_token, token_of, typed
from core.web.limits import limited
from core.web.parts import part
from intake import forms
from intake.answers import danger_advice
from organisations.people import CITIZEN
from portal import access, form, policies, uploads
from portal.form import Typed
from portal.similar import similar_to
from portal.view import REVIEW_DAYS

REISSUE_WITHIN = 24 * 3600


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/submit", "submit", submit_page, methods=["GET", "POST"])
    blueprint.add_url_rule("/submit/draft", "draft", draft_page, methods=["GET", "POST"])
    blueprint.add_url_rule("/submit/done", "done", done_page)


@public
@takes_files
@limited("120 per minute")
def submit_page() -> Any:
    """The form: empty, with the draft that is open in this browser, or as one of its buttons left it."""
    if flask.request.method == "POST":
        return _pressed()
    if flask.request.args.get("draft"):
        submission_id = _open_draft()
        if submission_id is None:
            return flask.redirect(flask.url_for("portal.draft"))
        with part(Database).read() as session:
            row = session.get_one(Submission, submission_id)
            given = form.from_draft(session, row)
            files = [_given(one) for one in drafts.files_of(session, submission_id)]
        kept = [uploads.Kept(file, uploads.token_of(file)) for file in files]
        return _page(given, form_token(), uploads.Taken(tuple(kept)), draft_of=_draft_token(submission_id))
    return _page(form.from_address(), form_token(), uploads.Taken(()))


def _pressed() -> Any:
    """Every button of the form: send, save, remove a file, and going back to it from the step of similar replies."""
    do = typed("do", 40)
    given, token = form.from_request(), token_of(flask.request.form)
    taken = uploads.take(remove=do.removeprefix("remove:") if do.startswith("remove:") else "")
    draft_of, broken = _sound_draft(typed("draft_of", 500))
    if do.startswith("remove:") or do == "edit":
        return _page(given, token, taken, draft_of=draft_of, faults=_file_fault(taken))
    draft = do == "save"
    faults = form.own_faults(given, draft=draft) | _file_fault(taken) | broken
    danger = ""
    try:
        danger = forms.petition_of(part(Database), now(), taken.files, given.form(draft=draft), token).danger
    except Invalid as error:
        faults = {**error.fields, **faults}
    if faults:
        return _page(given, token, taken, draft_of=draft_of, faults=form.ordered(faults)), 400
    # Whoever writes of danger to life is not held up by a step in between.
    found = [] if draft or danger or typed("seen", 1) else similar_to(given.title, given.body)
    if found:
        return _similar_step(given, token, taken, draft_of, found)
    return _hand_in(given, token, taken, draft_of, draft=draft)


def _hand_in(given: Typed, token: str, taken: uploads.Taken, draft_of: str, *, draft: bool) -> Any:
    """Store it, once by its token, and go to the page that says so."""
    with _one_by_one(token):
        code = None
        submission_id = _unseal_draft(draft_of)
        if submission_id is not None:
            submitted = _revise(submission_id, given, token, taken.files, draft=draft)
        else:
            submitted = forms.take_form(part(Database), _clock(), taken.files, given.form(draft=draft), token)
            code = submitted.code or _code_again(submitted, token)
        if submitted.code:
            _receipts.keep(token, submitted.submission.id, submitted.code)
    if submitted.repeated:
        uploads.forget(taken.new_keys)
    with part(Database).read() as session:
        if code is not None or submission_id is not None:
            access.open_for(session, submitted.submission.id)
    kind = "draft" if submission_id is not None else "new" if code else "copy"
    access.keep_receipt(submitted.submission.id, code, now(), kind)
    return flask.redirect(flask.url_for("portal.done"), 303)


def _revise(submission_id: int, given: Typed, token: str, files: tuple[FileGiven, ...], *, draft: bool) -> Submitted:
    """Write the draft anew and, unless it is to be kept longer, hand it in; handing in twice is doing it once."""
    at = now()
    new = forms.petition_of(part(Database), at, files, given.form(draft=draft), token)
    with part(Database).write() as session:
        row = session.get_one(Submission, submission_id)
        if row.submitted_at is not None:
            return Submitted(row, base.case_of(session, submission_id), None, True)
        drafts.revise(session, CITIZEN, at, submission_id, new)
        if draft:
            return Submitted(row, base.case_of(session, submission_id), None, False)
        return submissions.submit_draft(session, CITIZEN, at, submission_id)


# --- the code, once more for the same form ----------------------------------------------------------------------------


class _Receipts:
    """The codes given lately by this process, sealed, by the form's token: a double click gets the same page twice."""

    MOST = 5_000

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, token: str, submission_id: int, code: str) -> None:
        with self._lock:
            self._kept[token] = ring().seal(code, f"receipt:{submission_id}")
            while len(self._kept) > self.MOST:
                self._kept.popitem(last=False)

    def code(self, token: str, submission_id: int) -> str | None:
        with self._lock:
            sealed = self._kept.get(token)
        return ring().open(sealed, f"receipt:{submission_id}") if sealed else None


_receipts = _Receipts()
_token_locks = [threading.Lock() for _n in range(64)]


def _one_by_one(token: str) -> threading.Lock:
    """A lock shared by requests with the same token, so that the second finds the first one's code."""
    return _token_locks[hash(token) % len(_token_locks)]


def _code_again(submitted: Submitted, token: str) -> str | None:
    """The code for a form that came before: whoever holds its token sent it.

    From memory, or where another process took the first (or died before it answered) a new one, within a day. An exact
    copy sent with another form proves nothing and gets none.
    """
    row = submitted.submission
    if row.origin_key != token:
        return None
    code = _receipts.code(token, row.id)
    if code is None and (now() - row.received_at).total_seconds() < REISSUE_WITHIN:
        with part(Database).write() as session:
            code = codes.issue(session, now(), session.get_one(Submission, row.id))
        _receipts.keep(token, row.id, code)
    return code


# --- drafts -----------------------------------------------------------------------------------------------------------


@public
@limited("60 per minute")
def draft_page() -> Any:
    """Number and code of a draft, to go on with it."""
    number = typed("number", 40) if flask.request.method == "POST" else ""
    error, status = "", 200
    if flask.request.method == "POST":
        try:
            submission_id = access.enter(number, typed("query_code", 40))
        except (WrongCode, TooManyTries) as failed:
            error, status = sentence_of(failed), failed.status
        else:
            with part(Database).read() as session:
                waiting = session.get_one(Submission, submission_id).submitted_at is None
            target = flask.url_for("portal.submit", draft=1) if waiting else flask.url_for("portal.progress")
            return flask.redirect(target, 303)
    return flask.render_template("portal/draft.html", number=number, error=error), status


def sentence_of(failed: WrongCode | TooManyTries) -> str:
    """What to say when number and code did not open anything."""
    minutes = failed.details.get("minutes")
    if minutes:
        return _("输错的次数太多了，请 %(n)s 分钟后再试，或拨打 12345 核实身份后领取新的查询码。", n=minutes)
    return _(failed.message)


def _open_draft() -> int | None:
    submission_id = access.opened()
    if submission_id is None:
        return None
    with part(Database).read() as session:
        row = session.get(Submission, submission_id)
        return submission_id if row is not None and row.submitted_at is None and row.withdrawn_at is None else None


def _draft_token(submission_id: int) -> str:
    """Sealed into the form, so that a draft open for hours can still be handed in from it."""
    return ring().seal(str(submission_id), "portal:draft")


def _unseal_draft(token: str) -> int | None:
    """The draft that the form was filled from. Raises CannotOpen for a token that is none of ours."""
    return int(ring().open(token, "portal:draft")) if token else None


def _sound_draft(token: str) -> tuple[str, dict[str, str]]:
    """The token when it is good, else none and the sentence for it."""
    try:
        _unseal_draft(token)
    except CannotOpen:
        return "", {"token": _("草稿的记号不对，这次会作为新的一件提交。请核对后再点一次提交。")}
    return token, {}


def _given(row: Any) -> FileGiven:
    return FileGiven(row.name or "", row.kind, row.media_type, row.size, row.sha256, row.key)


# --- pages ------------------------------------------------------------------------------------------------------------


def _file_fault(taken: uploads.Taken) -> dict[str, str]:
    return {"files": taken.error} if taken.error else {}


def _shown_files(taken: uploads.Taken) -> list[dict[str, Any]]:
    return [
        {"name": one.file.name, "size": one.file.size, "kind": one.file.kind, "note": _("已传完"),
         "remove": f"remove:{place}", "token": one.token}
        for place, one in enumerate(taken.kept)
    ]  # fmt: skip


def _page(
    given: Typed, token: str, taken: uploads.Taken, *, draft_of: str = "", faults: dict[str, str] | None = None
) -> str:
    with part(Database).read() as session:
        choices = form.choices(session)
        terms = policies.terms(session, given.track)
    return flask.render_template(
        "portal/submit.html", given=given, token=token, files=_shown_files(taken), draft_of=draft_of,
        faults=faults or {}, links={form.IDS.get(name, name): text for name, text in (faults or {}).items()},
        choices=choices, terms=terms, similar=[], review_days=REVIEW_DAYS,
    )  # fmt: skip


def _similar_step(given: Typed, token: str, taken: uploads.Taken, draft_of: str, found: list[Any]) -> str:
    return flask.render_template(
        "portal/similar_step.html", given=given, token=token, files=_shown_files(taken), draft_of=draft_of,
        similar=found,
    )  # fmt: skip


@public
def done_page() -> Any:
    """What was received: number, code, what happens next and by when."""
    kept = access.receipt()
    if kept is None:
        return flask.redirect(flask.url_for("portal.progress"))
    submission_id, code, kind = kept
    with part(Database).read() as session:
        row = session.get_one(Submission, submission_id)
        case: Case = base.case_of(session, submission_id)
        review = clocks.latest(session, "case", case.id, "review" if case.track == "hotline" else "decide")
        page = flask.render_template(
            "portal/done.html", row=row, case=case, code=code, kind=kind, draft=row.submitted_at is None,
            danger=danger_advice(case.danger) if case.danger else "", review_days=REVIEW_DAYS,
            review_due=review.due_at if review and review.ended_at is None else None,
            terms=policies.terms(session, case.track), readers_alone=accusations.for_readers_alone(case, row),
        )  # fmt: skip
    return page


def _clock() -> Clock:
    return part(Clock)  # type: ignore[type-abstract]
