"""The workflow as a table: from which state, by which operation, to which state, who may, and what it needs.

Rules only; imports nothing but the standard library, so that someone who can't program can check it. `docs/workflow.md`
is generated from here. A case has a *stage* in the loop; each assignment has a *state* of its own; the status that
people read (备案 待办 在办 挂起 办结) is derived from both in cases/status.py.
"""

from __future__ import annotations

from dataclasses import dataclass

# code: (Chinese, what it means)
CASE_STAGES = {
    "draft": ("备案", "记下未提交，城市尚未收到"),
    "review": ("待分流", "已收到，等待分流员决定由谁办理"),
    "assigned": ("办理中", "已交办给一个或多个单位"),
    "fed_back": ("待认定", "主办单位已反馈，等待交办单位认定"),
    "asking": ("待群众确认", "答复已送达，等群众确认和评价"),
    "closed": ("办结", "结果已认定或按规定终结"),
}

ASSIGNMENT_STATES = {
    "to_sign": ("待签收", "单位还没有签收"),
    "doing": ("在办", "单位已签收，正在办理"),
    "held": ("挂起", "经同意暂停，平台办理时限停走"),
    "fed_back": ("已反馈", "单位已报告结果，等待认定"),
    "confirmed": ("已认定", "交办单位认可了结果"),
    "returned": ("已退回", "单位说明理由退回"),
    "taken_back": ("已收回", "交办单位在签收前收回，或随主办、事项终结时收回"),
}

OPEN_ASSIGNMENTS = frozenset({"to_sign", "doing", "held", "fed_back"})

OUTCOMES = {
    "done": "办理完毕",
    "direct": "直接答复",
    "refused": "不予受理",
    "guided": "告知其他途径",
    "withdrawn": "群众撤回",
    "lapsed": "逾期未补充，终结",
    "merged": "并入其他事项",
    "forwarded": "转送其他机关",
}


@dataclass(frozen=True)
class Transition:
    """One permitted step.

    `subject` is "case" or "assignment"; `to` None keeps the state; `actor` names who may (see ACTORS); `needs` lists
    the values that must be given.
    """

    operation: str
    chinese: str
    subject: str
    from_: tuple[str, ...]
    to: str | None
    actor: str
    needs: tuple[str, ...] = ()
    event: str = ""


# Who may: a permission, held in the organisation that stands in this relation to the subject.
ACTORS = {
    "citizen": "群众本人（编号加查询码，或本人已验证的渠道）",
    "system": "系统按规则自动",
    "diversion": "分流员",
    "assigner": "交办单位的分流员或审核人",
    "handler": "承办单位的承办人",
    "approver": "承办单位的审核人",
    "agent": "话务员",
    "desk": "分流员，或当场答复的话务员",
    "supervisor": "督办人员",
    "concerned": "有权查看该事项的分流员、话务员、承办人、审核人、督办人员",
    "staff": "有权查看该事项的工作人员",
}

_OPEN_STAGES = ("review", "assigned", "fed_back", "asking")

TRANSITIONS: tuple[Transition, ...] = (
    # 1 采集 collect
    Transition("save_draft", "备案", "case", (), "draft", "agent", (), "drafted"),
    Transition("submit", "提交", "case", ("", "draft"), "review", "citizen", ("title", "body"), "submitted"),
    Transition("register", "登记", "case", _OPEN_STAGES, None, "staff", (), "registered"),
    Transition("accept", "受理", "case", ("review", "assigned"), None, "diversion", (), "accepted"),
    Transition("classify", "自动分类", "case", ("review",), None, "system", ("category",), "classified"),
    Transition(
        "correct",
        "更正分类",
        "case",
        ("review", "assigned", "fed_back"),
        None,
        "diversion",
        ("category",),
        "category_corrected",
    ),
    Transition("add", "补充或更正", "case", _OPEN_STAGES, None, "citizen", ("text",), "added"),
    Transition("urge", "催办", "case", _OPEN_STAGES, None, "citizen", (), "urged"),
    Transition("ask_citizen", "请群众补充", "case", _OPEN_STAGES, None, "diversion", ("text",), "citizen_asked"),
    Transition("note_silence", "群众到期未补充", "case", _OPEN_STAGES, None, "system", (), "citizen_silent"),
    Transition(
        "lapse_unanswered",
        "终结（逾期未补充）",
        "case",
        ("review", "assigned"),
        "closed",
        "diversion",
        ("text",),
        "lapsed",
    ),
    Transition("withdraw", "撤回诉求", "case", ("draft", "review", "assigned"), "closed", "citizen", (), "withdrawn"),
    Transition(
        "suspect_by_hand",
        "标为疑似检举控告",
        "case",
        (*_OPEN_STAGES, "closed"),
        None,
        "concerned",
        ("reason",),
        "accusation_suspected",
    ),
    # 2 上报 and 3 交办
    Transition("report_up", "上报", "assignment", ("doing",), None, "handler", ("organisation",), "reported_up"),
    Transition(
        "assign", "交办", "case", ("review", "assigned"), "assigned", "diversion", ("organisation",), "assigned"
    ),
    Transition("auto_assign", "自动派单", "case", ("review",), "assigned", "system", ("organisation",), "assigned"),
    Transition(
        "assign_down", "向下交办", "assignment", ("doing",), None, "handler", ("organisation",), "assigned_down"
    ),
    Transition("forward", "转送", "case", ("review",), "closed", "diversion", ("organisation",), "forwarded"),
    Transition("back_to_review", "退回分流", "case", ("assigned",), "review", "system", (), "back_to_review"),
    Transition(
        "recall",
        "随之收回",
        "assignment",
        ("to_sign", "doing", "held", "fed_back"),
        "taken_back",
        "system",
        (),
        "recalled",
    ),
    Transition("take_back", "收回", "assignment", ("to_sign",), "taken_back", "assigner", ("reason",), "taken_back"),
    # 4 办理
    Transition("sign", "签收", "assignment", ("to_sign",), "doing", "handler", (), "signed"),
    Transition("claim", "认领", "assignment", ("doing",), None, "handler", (), "claimed"),
    Transition("return", "退回", "assignment", ("to_sign", "doing"), "returned", "handler", ("reason",), "returned"),
    Transition("ask_return", "申请退回", "assignment", ("doing",), None, "handler", ("reason",), "return_asked"),
    Transition("grant_return", "同意退回", "assignment", ("doing",), "returned", "assigner", (), "returned"),
    Transition("note", "记录办理情况", "assignment", ("doing", "held"), None, "handler", ("text",), "noted"),
    Transition("first_contact", "首次联系", "assignment", ("doing",), None, "handler", (), "first_contacted"),
    Transition(
        "ask_extension", "申请延期", "assignment", ("doing",), None, "handler", ("days", "reason"), "extension_asked"
    ),
    Transition("grant_extension", "同意延期", "assignment", ("doing",), None, "assigner", (), "extension_granted"),
    Transition(
        "approve_extension", "负责人批准延期", "assignment", ("doing",), None, "approver", (), "extension_granted"
    ),
    Transition(
        "refuse_request",
        "不同意申请",
        "assignment",
        ("to_sign", "doing", "held"),
        None,
        "assigner",
        (),
        "request_refused",
    ),
    Transition(
        "refuse_extension",
        "负责人不批准延期",
        "assignment",
        ("to_sign", "doing", "held"),
        None,
        "approver",
        (),
        "request_refused",
    ),
    Transition(
        "ask_suspension", "申请挂起", "assignment", ("doing",), None, "handler", ("reason",), "suspension_asked"
    ),
    Transition("suspend", "挂起", "assignment", ("doing",), "held", "assigner", ("reason",), "suspended"),
    Transition("resume", "激活", "assignment", ("held",), "doing", "handler", (), "resumed"),
    # 5 反馈
    Transition("feed_back", "反馈", "assignment", ("doing",), "fed_back", "handler", ("report",), "fed_back"),
    Transition("lead_fed_back", "主办已反馈", "case", ("assigned",), "fed_back", "system", (), "lead_fed_back"),
    Transition("send_back", "退回重办", "assignment", ("fed_back",), "doing", "assigner", ("reason",), "sent_back"),
    Transition("back_to_handling", "回到办理", "case", ("fed_back",), "assigned", "system", (), "back_to_handling"),
    # 6 办结
    Transition("confirm", "认定", "assignment", ("fed_back",), "confirmed", "assigner", (), "confirmed"),
    Transition("confirm_with_lead", "随主办认定", "assignment", ("fed_back",), "confirmed", "system", (), "confirmed"),
    Transition("answer_served", "答复送达", "case", ("fed_back",), "asking", "system", (), "answer_served"),
    Transition("object", "群众提出异议", "case", ("asking",), None, "citizen", ("text",), "objected"),
    Transition("call_after_silence", "未回应，转回访", "case", ("asking",), None, "system", (), "call_back_opened"),
    Transition("close", "办结", "case", ("asking",), "closed", "assigner", (), "closed"),
    Transition("close_answered", "群众确认后办结", "case", ("asking",), "closed", "citizen", (), "closed"),
    Transition("lapse", "到期未评办结", "case", ("asking",), "closed", "system", (), "closed"),
    Transition("direct_answer", "直接答复", "case", ("review",), "closed", "desk", ("text",), "answered_directly"),
    Transition("import_answer", "导入已答复", "case", ("review",), "closed", "system", ("text",), "answer_imported"),
    Transition("refuse", "不予受理", "case", ("review",), "closed", "diversion", ("ground",), "refused"),
    Transition("guide", "告知其他途径", "case", ("review",), "closed", "diversion", ("ground",), "guided"),
    Transition("merge", "并入", "case", ("review", "assigned"), "closed", "diversion", ("case",), "merged"),
    Transition("take_in", "并入来件", "case", ("review", "assigned", "fed_back"), None, "diversion", (), "took_in"),
    # 7 评价
    Transition("rate", "评价", "case", ("asking", "closed"), None, "citizen", (), "rated"),
    Transition(
        "press", "督办催办", "case", ("review", "assigned", "fed_back"), None, "supervisor", ("text",), "pressed"
    ),
    Transition("evaluate", "评价承办单位", "assignment", ("confirmed",), None, "assigner", ("quality",), "evaluated"),
    Transition("reopen", "重办", "case", ("asking", "closed"), "review", "diversion", ("reason",), "reopened"),
)

BY_OPERATION = {transition.operation: transition for transition in TRANSITIONS}


def permitted(operation: str, state: str) -> bool:
    """Whether an operation may start from this stage or state."""
    transition = BY_OPERATION[operation]
    return state in transition.from_ or (not transition.from_ and state == "")


def open_to(subject: str, state: str) -> list[Transition]:
    """The transitions that may start from a state of a case or assignment."""
    return [t for t in TRANSITIONS if t.subject == subject and state in t.from_]
