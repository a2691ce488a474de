"""One rule that derives the status people read from a case's stage and its assignments' states."""

from __future__ import annotations

from collections.abc import Iterable

STATUSES = {"draft": "备案", "pending": "待办", "doing": "在办", "held": "挂起", "closed": "办结"}

# One office's view of its own assignment.
OF_ASSIGNMENT = {
    "to_sign": "pending",
    "doing": "doing",
    "held": "held",
    "fed_back": "doing",
    "confirmed": "closed",
    "returned": "closed",
    "taken_back": "closed",
}


def status_of(stage: str, assignment_states: Iterable[str]) -> str:
    """The case's status: closed and draft by stage; else held when all open work is held, doing when any is under way,
    else pending (not yet signed, or waiting for diversion)."""
    if stage == "closed":
        return "closed"
    if stage == "draft":
        return "draft"
    if stage in {"fed_back", "asking"}:
        return "doing"
    seen = {OF_ASSIGNMENT[state] for state in assignment_states} - {"closed"}
    if seen == {"held"}:
        return "held"
    if seen & {"doing", "held"}:
        return "doing"
    return "pending"
