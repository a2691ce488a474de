"""Short ways to a submission, and to a case that stands where a test needs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cases.models import Case
from cases.operations import base, classification, submissions
from cases.operations.classification import Suggestion
from cases.operations.submissions import NewSubmission, Reporter, Submitted
from core.database import Database
from core.text.masking import mask
from organisations.people import CITIZEN

TITLE = "小区门口路灯不亮"
BODY = "我叫徐晓梅，电话 13812345678，湖滨路路灯坏了三天，晚上很黑。"
REPORTER = Reporter(name="徐晓梅", phone="138 1234 5678", verified=("phone",))
_ROOT = NewSubmission(
    origin="web", origin_key="form-1", channel="web", title=TITLE, body=BODY, title_masked=TITLE,
    body_masked=mask(BODY).text, received_at=datetime(2026, 11, 24, 2, 0, tzinfo=UTC), reporter=REPORTER,
)  # fmt: skip


def new(at: datetime, key: str = "form-1", **changes: Any) -> NewSubmission:
    """A web petition received at a moment; `changes` as in NewSubmission."""
    if "body" in changes:
        changes.setdefault("body_masked", mask(changes["body"]).text)
    if "title" in changes:
        changes.setdefault("title_masked", mask(changes["title"]).text)
    return replace(_ROOT, origin_key=key, received_at=at, **changes)


def submit(db: Database, at: datetime, key: str = "form-1", **changes: Any) -> Submitted:
    """Submit one as a citizen."""
    with db.write() as session:
        return submissions.submit(session, CITIZEN, at, new(at, key, **changes))


def classify(db: Database, at: datetime, submission_id: int, **changes: Any) -> int:
    """Classify its case (ordinary, unless changed); gives the case's id."""
    given = Suggestion(
        level1="城乡建设", level2="城市建设和市政管理", nature="求助", model_version="m1", confidence=0.9
    )
    with db.write() as session:
        case_id = base.case_of(session, submission_id).id
        classification.record(session, at, case_id, replace(given, **changes))
        return case_id


def ordinary(db: Database, at: datetime, key: str = "form-1", **changes: Any) -> tuple[Submitted, int]:
    """A submission whose case was classified and is nothing special."""
    done = submit(db, at, key, **changes)
    return done, classify(db, at, done.submission.id)


def case_now(db: Database, case_id: int) -> Case:
    """The case as it is stored now."""
    with db.read() as session:
        return session.get_one(Case, case_id)
