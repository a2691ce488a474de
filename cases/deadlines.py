"""The deadline policies that ship, as data, and the pure rule that says which card a clock has earned.

Imports only the standard library. Rows seeded from here can be changed by an administrator; a clock keeps the policy it
began under. Sources: 信访工作条例 (2022) for the petition track; the two policy sets follow the published
assessment rules of the cities they are named after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

POLICY_SETS = {"zhengzhou": "郑州办法", "meizhou": "梅州办法"}

UNITS = {
    "working_minutes": "工作分钟",
    "working_days": "工作日",
    "calendar_days": "自然日",
    "elapsed_minutes": "分钟（不分昼夜）",
}


@dataclass(frozen=True)
class Policy:
    """One row of a policy set; see cases/models/clocks.DeadlinePolicy for the meaning of each field."""

    track: str
    kind: str
    unit: str
    amount: int
    nature: str = ""
    urgent: bool = False
    outside_amount: int | None = None
    remind_before: int | None = None
    yellow_after: int | None = None
    red_after: int | None = None
    red_from: str = "due"
    extension_excuses: bool = False
    consent_by: str = "assigner"
    extension_max: int | None = None
    statutory: bool = False
    source: str = ""


_HANDLE_DAYS = {"咨询": 2, "表扬": 2, "建议": 10, "": 5, "求助": 5, "投诉": 5, "举报": 10}
_LATE: dict[str, dict[str, Any]] = {
    # past due with no extension asked: yellow; three working days after the yellow: red
    "zhengzhou": {"yellow_after": 0, "red_after": 3, "red_from": "yellow", "extension_excuses": True},
    # two working days before: reminder; one working day over: yellow; two over: red
    "meizhou": {"remind_before": 2, "yellow_after": 1, "red_after": 2, "red_from": "due"},
}


# 回访: a flagged call is returned within a working day; contacts without a case have no track, so one row serves all
CALL_BACK = Policy("hotline", "call_back", "working_days", 1)


def _common(late: dict[str, Any]) -> list[Policy]:
    signing = [
        # within 4 working hours when it arrives in office hours, else within 24 elapsed hours
        Policy(track, "sign", "working_minutes", 240, outside_amount=24 * 60, yellow_after=0)
        for track in ("hotline", "petition")
    ]
    urgent = [
        Policy(track, "sign", "elapsed_minutes", 30, urgent=True, yellow_after=0) for track in ("hotline", "petition")
    ]
    danger = [Policy(track, "danger", "elapsed_minutes", 15, yellow_after=0) for track in ("hotline", "petition")]
    handling = [
        Policy("hotline", "handle", "working_days", days, nature=nature, extension_max=days * 2, **late)
        for nature, days in _HANDLE_DAYS.items()
    ]
    handling.append(Policy("hotline", "handle", "working_days", 1, urgent=True, extension_max=2, **late))
    petition = [
        Policy("petition", "decide", "calendar_days", 15, statutory=True, source="信访工作条例：15 日内转送、交办"),
        Policy("petition", "return", "working_days", 5, statutory=True, source="信访工作条例：5 个工作日内提出异议"),
        Policy("petition", "handle", "calendar_days", 60, extension_max=30, consent_by="responsible_head",
               statutory=True, source="信访工作条例第三十四条", **late),
        Policy("petition", "petition_review", "calendar_days", 30, statutory=True, source="信访工作条例第三十五条"),
        Policy("petition", "re_examination", "calendar_days", 30, statutory=True, source="信访工作条例第三十六条"),
    ]  # fmt: skip
    other = [
        Policy("hotline", "review", "working_minutes", 120),
        Policy("hotline", "promise", "working_days", 7, statutory=True),
        Policy("hotline", "return", "working_days", 1),
    ]
    # after the answer was served: so long the citizen is asked, then called, then it closes as not rated
    for track in ("hotline", "petition"):
        other += [
            Policy(track, "ask", "calendar_days", 3),
            Policy(track, "silence", "working_days", 3),
            Policy(track, "settle", "working_days", 1),
            Policy(track, "ask_citizen", "calendar_days", 3),
        ]
    other.append(CALL_BACK)
    return signing + urgent + danger + handling + petition + other


SHIPPED: dict[str, list[Policy]] = {code: _common(late) for code, late in _LATE.items()}


@dataclass(frozen=True)
class LateRule:
    """The part of a policy that says what lateness earns; all counts are working days."""

    remind_before: int | None = None
    yellow_after: int | None = None
    red_after: int | None = None
    red_from: str = "due"  # due, yellow
    extension_excuses: bool = False


LEVELS = ("reminder", "yellow", "red")
AddDays = Callable[[datetime, int], datetime]


def card_moments(
    rule: LateRule,
    *,
    started: datetime,
    due: datetime,
    given: Mapping[str, datetime],
    extension_asked: bool,
    add_days: AddDays,
    opening: Callable[[datetime], datetime],
) -> list[tuple[str, datetime]]:
    """The cards not given yet, each with the moment after which it is earned, earliest first.

    `given` are the cards that were given, by level, and when. `add_days` adds working days, `opening` gives the next
    moment in office hours. A reminder stands for n whole working days before the due moment, so it is earned when the
    first of them opens, and never before the clock started; after a card it is too late to remind.
    """
    moments: list[tuple[str, datetime]] = []
    if rule.remind_before is not None and not given:
        reminder = opening(add_days(due, -rule.remind_before))
        if started < reminder < due:
            moments.append(("reminder", reminder))
    if rule.yellow_after is not None and "yellow" not in given and not (extension_asked and rule.extension_excuses):
        moments.append(("yellow", add_days(due, rule.yellow_after)))
    if rule.red_after is not None and "red" not in given:
        since = given.get("yellow") if rule.red_from == "yellow" else due
        if since is not None:
            moments.append(("red", add_days(since, rule.red_after)))
    return sorted(moments, key=lambda found: (found[1], LEVELS.index(found[0])))
