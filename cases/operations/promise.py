"""The one date by which a citizen is answered, the same on the page, in a message and in a notice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cases import clocks
from cases.models import Assignment, Case


def answer_by(session: Session, case: Case, lead: Assignment | None) -> tuple[datetime | None, bool]:
    """When the answer is due to the citizen, and whether that is a later moment than was promised.

    It is the promise, which never moves; or the end of the handling time of `lead` (`base.lead_assignment`) where that
    was extended by rule beyond it.
    """
    if lead is None or lead.due_at is None or case.promise_at is None or lead.due_at <= case.promise_at:
        return case.promise_at, False
    clock = clocks.latest(session, "assignment", lead.id, "handle")
    extended = clock is not None and clock.extended > 0
    return (lead.due_at, True) if extended else (case.promise_at, False)
