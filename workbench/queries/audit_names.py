"""What an auditor reads instead of internal ids: account and organisation names, case and submission numbers.

The number of a case that is or may be an accusation stays unsaid: an auditor has no business knowing which it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Attachment, Case, PublishedReply, Submission, SubmissionCase
from core.audit import AuditEntry
from core.ids import grouped
from organisations.models import Account, Organisation

SEALED = "不显示编号"
DETAILS = {
    "account": "账号", "active": "启用", "area_id": "区域", "by": "按", "case": "办件", "checked": "核实方式",
    "code": "代码", "found": "条数", "kind": "种类", "organisation_id": "单位", "parent_id": "上级单位", "role": "角色",
    "rows": "条数", "row_id": "条目", "words": "处数", "action": "做了什么", "subject": "对象", "from": "从",
    "to": "到",
}  # fmt: skip
# Details that hold the id of something that has a name.
REFERENCES = {"case": "case", "account": "account", "organisation_id": "organisation", "parent_id": "organisation"}


def things(session: Session, rows: Sequence[AuditEntry]) -> dict[tuple[str, int], str]:
    """What all in these entries is called, by kind and id: who acted, the subjects, what the details refer to."""
    wanted: dict[str, set[int]] = {"account": {row.actor_id for row in rows if row.actor_id is not None}}
    for row in rows:
        if row.subject_id is not None:
            wanted.setdefault(row.subject, set()).add(row.subject_id)
        for key, value in row.details.items():
            if key in REFERENCES and isinstance(value, int):
                wanted.setdefault(REFERENCES[key], set()).add(value)
    named = {
        "account": _accounts(session, wanted.get("account", set())),
        "organisation": _organisations(session, wanted.get("organisation", set())),
        "case": _cases(session, wanted.get("case", set())),
        "submission": _submissions(session, wanted.get("submission", set())),
        "attachment": _through(session, Attachment, wanted.get("attachment", set())),
        "published_reply": _through(session, PublishedReply, wanted.get("published_reply", set())),
    }
    return {(subject, key): text for subject, found in named.items() for key, text in found.items()}


def _accounts(session: Session, ids: set[int]) -> dict[int, str]:
    found = session.execute(select(Account.id, Account.username, Account.name).where(Account.id.in_(ids)))
    return {row.id: f"{row.name}（{row.username}）" for row in found}


def _organisations(session: Session, ids: set[int]) -> dict[int, str]:
    found = session.execute(select(Organisation.id, Organisation.short_name).where(Organisation.id.in_(ids)))
    return {row.id: row.short_name for row in found}


def _cases(session: Session, ids: Iterable[int]) -> dict[int, str]:
    found = session.execute(select(Case.id, Case.number, Case.accusation).where(Case.id.in_(set(ids))))
    return {row.id: grouped(row.number) if row.accusation == "no" else SEALED for row in found}


def _submissions(session: Session, ids: set[int]) -> dict[int, str]:
    query = (
        select(Submission.id, Submission.number, Case.accusation)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(Submission.id.in_(ids))
    )
    named: dict[int, str] = {}
    for row in session.execute(query):
        named[row.id] = SEALED if row.accusation != "no" or named.get(row.id) == SEALED else grouped(row.number)
    return named


def _through(session: Session, model: type[Attachment] | type[PublishedReply], ids: set[int]) -> dict[int, str]:
    """What belongs to a case is called by the case's number."""
    of_case = {row.id: row.case_id for row in session.execute(select(model.id, model.case_id).where(model.id.in_(ids)))}
    numbers = _cases(session, {case_id for case_id in of_case.values() if case_id is not None})
    return {key: numbers[case_id] for key, case_id in of_case.items() if case_id in numbers}
