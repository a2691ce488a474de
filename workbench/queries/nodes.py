"""节点进度: the steps of the loop, where a case stands in them and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from cases.models import Assignment, Case, Rating, Submission
from core.web.filters import stamp
from workbench.queries import names
from workbench.queries.lines import Line

_UP = 1  # where 上报 stands among the nodes


def nodes(
    at: datetime,
    case: Case,
    submissions: Sequence[Submission],
    assignments: Sequence[Assignment],
    offices: dict[int, str],
    line: Line,
    ratings: Sequence[Rating],
) -> list[dict[str, Any]]:
    """The eight nodes as the `nodes` macro takes them; a case that ended without handling shows only what happened.

    上报 is done only where an office really asked the level above.
    """
    lead = next((row for row in reversed(assignments) if row.role == "lead" and row.parent_id is None
                 and row.state not in ("returned", "taken_back")), None)  # fmt: skip
    up = next((row for row in reversed(assignments) if row.kind == "report_up" and row.round == case.round), None)
    rated = next((row for row in ratings if row.round == case.round), None)
    steps: list[tuple[str, datetime | None, list[str]]] = [
        (_("采集"), case.received_at, [stamp(case.received_at), *(names.channel(s.channel) for s in submissions[:1])]),
        (_("上报"), up.created_at if up else None, [offices.get(up.organisation_id, "")] if up else [_("没有上报")]),
        (_("交办"), lead.created_at if lead else None, [offices.get(lead.organisation_id, "")] if lead else []),
        (_("签收"), lead.signed_at if lead else None, []),
        (_("办理"), lead.fed_back_at if lead and lead.state in ("fed_back", "confirmed") else None, []),
        (_("反馈"), lead.fed_back_at if lead and lead.state == "confirmed" else None, []),
        (_("办结"), case.closed_at, []),
        (_("评价"), rated.at if rated else None, [names.satisfaction(rated.satisfaction)] if rated else []),
    ]  # fmt: skip
    current = _current(case, lead)
    return [_node(index, current, step, case, line, lead) for index, step in enumerate(steps)]


def _current(case: Case, lead: Assignment | None) -> int:
    """Which node the case stands at; past the last one when all is done."""
    if case.stage == "closed":
        return 7
    if case.stage == "asking":
        return 6
    if lead is None:
        return 2
    return {"to_sign": 3, "fed_back": 5, "confirmed": 6}.get(lead.state, 4)


def _node(
    index: int,
    current: int,
    step: tuple[str, datetime | None, list[str]],
    case: Case,
    line: Line,
    lead: Assignment | None,
) -> dict[str, Any]:
    name, at, small = step
    shown = [text for text in ([stamp(at)] if at and index else []) + small if text]
    if index == current and not (case.stage == "closed" and at):
        if case.stage == "closed":
            return {"name": name, "state": "todo", "lines": shown}
        state = {"late": "late", "near": "near", "hold": "hold"}.get(line.due.get("kind", ""), "now")
        if lead and lead.state == "held":
            state = "hold"
        due_at = (lead.sign_due_at if lead.state == "to_sign" else lead.due_at) if lead and index in (3, 4) else None
        return {"name": name, "state": state, "lines": shown + ([_("%(at)s 到期", at=stamp(due_at))] if due_at else [])}
    if at is None and index == _UP:
        return {"name": name, "state": "todo", "lines": shown}
    if at is None and index > _UP and (index > current or case.stage == "closed"):
        return {"name": name, "state": "todo", "lines": []}
    return {"name": name, "state": "done" if index <= current else "todo", "lines": shown}
