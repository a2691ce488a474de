"""docs/workflow.md, made from the tables: the stages and states, who may do what, the diagrams, the deadlines.

`python -m cases.workflow_doc` writes it again; a test holds the committed file to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cases.deadlines import POLICY_SETS, SHIPPED, UNITS, Policy
from cases.status import OF_ASSIGNMENT, STATUSES
from cases.workflow import ACTORS, ASSIGNMENT_STATES, CASE_STAGES, OUTCOMES, TRANSITIONS, Transition

PATH = Path(__file__).resolve().parent.parent / "docs" / "workflow.md"

_HEAD = """# The workflow

Made from `cases/workflow.py`, `cases/status.py` and `cases/deadlines.py` by `python -m cases.workflow_doc`; change
those, not this page. A case has a *stage* in the loop; each assignment, one organisation asked by another, has a
*state* of its own; the status that people read is derived from both.
"""
_KINDS = {
    "sign": "签收",
    "danger": "危急响应",
    "handle": "办理",
    "decide": "转送、交办",
    "return": "退回",
    "review": "分流",
    "petition_review": "复查",
    "settle": "群众不满意后的决定",
    "re_examination": "复核",
    "promise": "对群众的承诺",
    "ask": "等群众评价",
    "silence": "未回应后的回访",
    "ask_citizen": "请群众补充",
    "call_back": "回访",
}


def workflow_page() -> str:
    """The whole page in Markdown."""
    parts = [
        _HEAD,
        "## Stages of a case\n",
        _table(("stage", "中文", "meaning"), ((code, *said) for code, said in CASE_STAGES.items())),
        _diagram("case", CASE_STAGES),
        "## States of an assignment\n",
        _table(
            ("state", "中文", "meaning", "status there"),
            ((code, *said, STATUSES[OF_ASSIGNMENT[code]]) for code, said in ASSIGNMENT_STATES.items()),
        ),
        _diagram("assignment", ASSIGNMENT_STATES),
        "## Operations on a case\n",
        _operations("case", CASE_STAGES),
        "## Operations on an assignment\n",
        _operations("assignment", ASSIGNMENT_STATES),
        "## Who may\n",
        _table(("who", "meaning"), ACTORS.items()),
        "## How a case can end\n",
        _table(("outcome", "中文"), OUTCOMES.items()),
        "## Deadlines as shipped\n",
        "Each line is a row that an administrator can change; a clock keeps the row it began under.\n",
        *(f"### {POLICY_SETS[code]} (`{code}`)\n\n" + _policies(rows) for code, rows in SHIPPED.items()),
    ]
    return "\n".join(parts)


def write() -> None:
    """Write the page to its place."""
    PATH.write_text(workflow_page(), encoding="utf-8")


def _diagram(subject: str, states: dict[str, tuple[str, str]]) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {code}: {chinese}" for code, (chinese, _meaning) in states.items()]
    arrows: dict[tuple[str, str], list[str]] = {}
    for transition in TRANSITIONS:
        if transition.subject == subject and transition.to is not None:
            for start in transition.from_ or ("",):
                arrows.setdefault((start or "[*]", transition.to), []).append(transition.chinese)
    if subject == "assignment":
        lines.append("    [*] --> to_sign: 交办、上报")
    lines += [f"    {start} --> {to}: {'、'.join(dict.fromkeys(names))}" for (start, to), names in arrows.items()]
    return "\n".join([*lines, "```", ""])


def _operations(subject: str, states: dict[str, tuple[str, str]]) -> str:
    found = [transition for transition in TRANSITIONS if transition.subject == subject]
    return _table(
        ("operation", "中文", "from", "to", "who may", "needs", "event"), (_row(one, states) for one in found)
    )


def _row(transition: Transition, states: dict[str, tuple[str, str]]) -> Sequence[str]:
    starts = "、".join(states[code][0] if code else "（新）" for code in transition.from_ or ("",))
    to = states[transition.to][0] if transition.to else "不变"
    return (
        f"`{transition.operation}`", transition.chinese, starts, to, ACTORS[transition.actor],
        ", ".join(transition.needs), f"`{transition.event}`",
    )  # fmt: skip


def _policies(policies: Iterable[Policy]) -> str:
    header = ("track", "clock", "for", "limit", "extension", "reminder", "yellow", "red", "stops when suspended")
    return _table(header, (_policy(one) for one in policies))


def _policy(one: Policy) -> Sequence[str]:
    limit = f"{one.amount} {UNITS[one.unit]}"
    if one.outside_amount:
        limit += f"；非工作时间到达 {one.outside_amount} 分钟"
    extension = f"最多 {one.extension_max}，{_CONSENT[one.consent_by]}同意" if one.extension_max else ""
    yellow = "" if one.yellow_after is None else f"逾期 {one.yellow_after} 个工作日" if one.yellow_after else "逾期"
    if yellow and one.extension_excuses:
        yellow += "且未申请延期"
    red = "" if one.red_after is None else f"{_SINCE[one.red_from]}满 {one.red_after} 个工作日"
    reminder = f"到期前 {one.remind_before} 个工作日" if one.remind_before else ""
    applies = "紧急" if one.urgent else one.nature or "一般"
    return (
        {"hotline": "热线", "petition": "信访"}[one.track], _KINDS[one.kind], applies, limit, extension, reminder,
        yellow, red, "否（法定）" if one.statutory else "是",
    )  # fmt: skip


_CONSENT = {"assigner": "交办单位", "responsible_head": "承办单位负责人"}
_SINCE = {"due": "逾期", "yellow": "黄牌后"}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    write()
