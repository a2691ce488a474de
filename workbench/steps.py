"""What can be done with a case, as a table: the button, its key, the fields of its form and the operation it calls.

Which of them a person is offered follows from cases/workflow.py and their permissions; nothing here decides that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Answer, Assignment, Case
from cases.operations import (
    accusations,
    classification,
    closing,
    dispatch,
    handling,
    merging,
    messages,
    publishing,
    requests,
    rounds,
    silence,
    supervising,
)
from core.errors import Invalid
from core.ids import clean_number
from core.web.forms import whole
from organisations.people import Actor
from workbench.typed import Typed


@dataclass(frozen=True)
class Target:
    """What a step is about: the case, and the assignment where the step belongs to one."""

    case: Case
    assignment: Assignment | None = None

    @property
    def assignment_id(self) -> int:
        """The assignment's id. Raises Invalid when the form names none."""
        if self.assignment is None:
            raise Invalid({"assignment": _("请先选择是哪个单位的交办。")})
        return self.assignment.id


@dataclass(frozen=True)
class Field:
    """One field of a step's form. `kind`: text area line number office offices case category nature check terms grounds
    quality files accounts opinions. `source`: a dictionary's kind, for terms and grounds."""

    name: str
    kind: str
    label: object
    hint: object = ""
    optional: bool = False
    source: str = ""
    rows: int = 4


Run = Callable[[Session, Actor, datetime, Target, Typed], object]


@dataclass(frozen=True)
class Step:
    """One step. `done`: the sentence afterwards. `order`: where its button stands; the lowest is the main one."""

    operation: str
    label: object
    run: Run
    done: object
    fields: tuple[Field, ...] = ()
    key: str = ""
    order: int = 50
    note: object = ""
    ends: bool = False


def _reason(kind: str) -> tuple[Field, ...]:
    return (
        Field("reason_code", "terms", _l("理由"), source=kind, optional=True),
        Field("reason", "area", _l("说明"), hint=_l("写清具体情况，对方会看到"), optional=True, rows=3),
    )


_LEAD = Field("lead", "office", _l("主办单位"), hint=_l("可输入名称或拼音首字母"))
_CO = Field("co", "offices", _l("协办单位"), optional=True)
_INSTRUCTION = Field("instruction", "area", _l("交办要求"), optional=True, rows=3)
_DAYS = Field("days", "number", _l("办理期限（天）"), hint=_l("不填按规定的期限"), optional=True)


def _assign(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    lead = typed.row("lead", _("请选择主办单位。"))
    return dispatch.assign(
        session, actor, at, to.case.id, lead, co_ids=[co for co in typed.rows("co") if co != lead],
        instruction=typed.text("instruction"), handle_days=typed.number("days", 1, 365),
    )  # fmt: skip


def _assign_down(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    lead = typed.row("lead", _("请选择下级单位。"))
    return dispatch.assign_down(
        session, actor, at, to.assignment_id, lead, co_ids=[co for co in typed.rows("co") if co != lead],
        instruction=typed.text("instruction"), handle_days=typed.number("days", 1, 365),
    )  # fmt: skip


def _report_up(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    office = typed.row("organisation", _("请选择上级单位。"))
    return dispatch.report_up(session, actor, at, to.assignment_id, office, instruction=typed.text("instruction"))


def _correct(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    level1, level2, level3 = typed.category("category")
    return classification.correct(
        session, actor, at, to.case.id, level1=level1, level2=level2, level3=level3, nature=typed.text("nature"),
        urgent=typed.ticked("urgent"),
    )  # fmt: skip


def _feed_back(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> Answer:
    opinions = {
        int(name.removeprefix("opinion-")): typed.text(name)
        for name in typed.values
        if name.startswith("opinion-") and name.removeprefix("opinion-").isdecimal()
    }
    return handling.feed_back(
        session, actor, at, to.assignment_id, report=typed.text("report"), answer=typed.text("answer"),
        co_opinions=opinions,
    )  # fmt: skip


def _return(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> None:
    handling.return_(
        session, actor, at, to.assignment_id, reason=typed.reason(), suggested_id=typed.row_or_none("suggested")
    )


def _ask_return(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    return requests.ask_return(
        session, actor, at, to.assignment_id, reason=typed.reason(), suggested_id=typed.row_or_none("suggested")
    )


def _ask_extension(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    days = typed.number("days", 1, 365)
    if days is None:
        raise Invalid({"days": _("请填写要延长的天数。")})
    return requests.ask_extension(session, actor, at, to.assignment_id, days=days, reason=typed.reason())


def _evaluate(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    quality = typed.number("quality", 1, 5)
    if quality is None:
        raise Invalid({"quality": _("请选择办理质量。")})
    return closing.evaluate(session, actor, at, to.assignment_id, quality=quality)


def _merge(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    """Merge into the case of the number typed; the review page sends the id of the one that was ticked."""
    said = typed.needed("into", _("请填写要并入的事项编号。"))
    number = clean_number(said)
    wanted = Case.number == number if number else Case.id == (whole(said, 1) or 0)
    into = session.scalar(select(Case.id).where(wanted, visibility.visible(actor)))
    if into is None:
        raise Invalid({"into": _("没有这个编号的事项，请核对后重填。")})
    return merging.merge(session, actor, at, to.case.id, into)


def _propose(session: Session, actor: Actor, at: datetime, to: Target, typed: Typed) -> object:
    return publishing.propose(
        session, actor, at, to.case.id, title=typed.text("title"), question=typed.text("question"),
        reply=typed.text("reply"),
    )  # fmt: skip


_GROUND_TEXT = Field("text", "area", _l("给群众的说明"), optional=True, rows=3)

STEPS: tuple[Step, ...] = (
    # --- the office that was asked
    Step("sign", _l("签收"), lambda s, a, at, to, f: handling.sign(s, a, at, to.assignment_id), _l("已签收"),
         key="s", order=1),
    Step("feed_back", _l("填写反馈"), _feed_back, _l("已反馈"), key="f", order=2, fields=(
        Field("report", "area", _l("办理情况"), hint=_l("报给交办单位：查了什么、怎么处理的、依据是什么"), rows=6),
        Field("answer", "area", _l("拟答复群众"), hint=_l("群众看得懂的话；认定后才会送达"), optional=True, rows=5),
        Field("opinion", "opinions", _l("协办单位意见")),
        Field("files", "files", _l("佐证材料"), hint=_l("照片、文书等，最多 5 个"), optional=True),
    )),
    Step("claim", _l("由我办理"), lambda s, a, at, to, f: handling.claim(s, a, at, to.assignment_id), _l("已认领"),
         order=8),
    Step("first_contact", _l("首次联系"), lambda s, a, at, to, f: handling.first_contact(
        s, a, at, to.assignment_id, f.text("text")), _l("已记下首次联系"), order=9,
        fields=(Field("text", "area", _l("联系情况"), optional=True, rows=3),)),
    Step("ask_extension", _l("申请延期"), _ask_extension, _l("已申请延期"), key="y", order=10, fields=(
        Field("days", "number", _l("延长天数")), *_reason("extension_reason"))),
    Step("ask_suspension", _l("申请挂起"), lambda s, a, at, to, f: requests.ask_suspension(
        s, a, at, to.assignment_id, reason=f.reason()), _l("已申请挂起"), key="g", order=11,
        fields=_reason("suspension_reason"), note=_l("挂起停的是平台的办理时限，法定期限和对群众的承诺照走。")),
    Step("resume", _l("恢复办理"), lambda s, a, at, to, f: requests.resume(s, a, at, to.assignment_id),
         _l("已恢复办理"), key="g", order=3),
    Step("note", _l("记一笔"), lambda s, a, at, to, f: handling.note(s, a, at, to.assignment_id, f.text("text")),
         _l("已记下"), key="n", order=12, fields=(Field("text", "area", _l("办理情况")),)),
    Step("assign_down", _l("再转办"), _assign_down, _l("已转办"), key="d", order=14,
         fields=(Field("lead", "office", _l("下级单位")), _CO, _INSTRUCTION, _DAYS)),
    Step("report_up", _l("上报"), _report_up, _l("已上报"), order=15, fields=(
        Field("organisation", "office", _l("上级单位")), _INSTRUCTION)),
    Step("return", _l("退回"), _return, _l("已退回"), order=16, fields=(
        *_reason("return_reason"), Field("suggested", "office", _l("建议由谁办理"), optional=True))),
    Step("ask_return", _l("申请退回"), _ask_return, _l("已申请退回"), order=17, fields=(
        *_reason("return_reason"), Field("suggested", "office", _l("建议由谁办理"), optional=True))),
    # --- the office that asked
    Step("confirm", _l("认定并答复群众"), lambda s, a, at, to, f: closing.confirm(
        s, a, at, to.assignment_id, answer=f.text("answer")), _l("已认定"), order=2,
        fields=(Field("answer", "area", _l("给群众的答复"), hint=_l("认定后立即送达；可在承办单位的草稿上修改"), rows=6,
                      optional=True),)),
    Step("send_back", _l("退回重办"), lambda s, a, at, to, f: closing.send_back(
        s, a, at, to.assignment_id, reason=f.reason()), _l("已退回重办"), order=4, fields=_reason("send_back_reason")),
    Step("evaluate", _l("评价承办单位"), _evaluate, _l("已评价"), order=30,
         fields=(Field("quality", "quality", _l("办理质量")),)),
    Step("take_back", _l("收回"), lambda s, a, at, to, f: dispatch.take_back(
        s, a, at, to.assignment_id, reason=f.reason()), _l("已收回"), order=20, fields=_reason("take_back_reason")),
    # --- diversion
    Step("assign", _l("派单"), _assign, _l("已派单"), order=5, fields=(_LEAD, _CO, _INSTRUCTION, _DAYS)),
    Step("correct", _l("更正分类"), _correct, _l("已更正分类"), key="e", order=21, fields=(
        Field("category", "category", _l("内容分类")), Field("nature", "nature", _l("诉求性质")),
        Field("urgent", "check", _l("紧急")))),
    Step("ask_citizen", _l("请群众补充"), lambda s, a, at, to, f: messages.ask_citizen(
        s, a, at, to.case.id, f.text("text")), _l("已请群众补充"), key="a", order=22, fields=(
        Field("text", "area", _l("要群众补充什么"), hint=_l("会原样发给群众，请写得具体、客气")),)),
    Step("lapse_unanswered", _l("终结（逾期未补充）"), lambda s, a, at, to, f: silence.lapse_unanswered(
        s, a, at, to.case.id, text=f.text("text")), _l("已终结"), order=29, ends=True, fields=(
        Field("text", "area", _l("给群众的说明"), rows=3,
              hint=_l("写清请群众补充了什么、没有收到回复，以及怎样重新提出")),)),
    Step("register", _l("登记"), lambda s, a, at, to, f: dispatch.register(s, a, at, to.case.id), _l("已登记"),
         order=40),
    Step("accept", _l("受理"), lambda s, a, at, to, f: dispatch.accept(s, a, at, to.case.id, text=f.text("text")),
         _l("已受理"), order=23, fields=(Field("text", "area", _l("说明"), optional=True, rows=2),)),
    Step("direct_answer", _l("直接答复"), lambda s, a, at, to, f: dispatch.direct_answer(
        s, a, at, to.case.id, f.text("answer")), _l("已答复并办结"), order=24, ends=True,
        fields=(Field("answer", "area", _l("给群众的答复"), rows=6),)),
    Step("forward", _l("转送"), lambda s, a, at, to, f: dispatch.forward(
        s, a, at, to.case.id, f.row("organisation", _("请选择转送给谁。")), text=f.text("text")), _l("已转送"),
        order=25, ends=True, fields=(Field("organisation", "office", _l("转送给")), _GROUND_TEXT),
        note=_l("转送不要求反馈结果；要结果的请用派单。")),
    Step("guide", _l("告知其他途径"), lambda s, a, at, to, f: dispatch.guide(
        s, a, at, to.case.id, ground=f.text("ground"), text=f.text("text")), _l("已告知"), order=26, ends=True,
        fields=(Field("ground", "grounds", _l("依据"), source="guide"), _GROUND_TEXT)),
    Step("refuse", _l("不予受理"), lambda s, a, at, to, f: dispatch.refuse(
        s, a, at, to.case.id, ground=f.text("ground"), text=f.text("text")), _l("已不予受理"), key="x", order=27,
        ends=True, fields=(Field("ground", "grounds", _l("依据"), source="refuse"), _GROUND_TEXT)),
    Step("merge", _l("并入其他事项"), _merge, _l("已并入"), key="m", order=28, ends=True,
         fields=(Field("into", "case", _l("并入")),), note=_l("合并后每位群众仍有自己的编号、期限和答复。")),
    Step("suspect_by_hand", _l("标为疑似检举控告"), lambda s, a, at, to, f: accusations.suspect_by_hand(
        s, a, at, to.case.id, reason=f.text("reason")), _l("已转由指定的受理人查看"), order=45, ends=True,
        fields=(Field("reason", "area", _l("理由"), hint=_l("反映了谁的什么违纪违法行为；受理人会看到"), rows=3),),
        note=_l("标记后只有指定的受理人能看到这件事项，承办单位和您自己都不再看到，已公开的答复随即撤下。")),
    Step("close", _l("办结"), lambda s, a, at, to, f: closing.close(s, a, at, to.case.id), _l("已办结"), order=3,
         ends=True),
    Step("reopen", _l("重办"), lambda s, a, at, to, f: rounds.reopen(s, a, at, to.case.id, reason=f.reason()),
         _l("已开启新一轮办理"), order=31, fields=_reason("reopen_reason")),
    # --- supervision
    Step("press", _l("催办"), lambda s, a, at, to, f: supervising.press(s, a, at, to.case.id, f.text("text")),
         _l("已催办"), key="u", order=6,
         fields=(Field("text", "area", _l("催办要求"), hint=_l("承办单位会看到"), rows=3),)),
)  # fmt: skip

# Not steps of the loop: offered by permission where the operation itself would allow them.
PROPOSE = Step("propose", _l("提出公开答复"), _propose, _l("已提交公开审核"), order=32, fields=(
    Field("title", "line", _l("标题")), Field("question", "area", _l("问题"), rows=6),
    Field("reply", "area", _l("答复"), rows=6)),
    note=_l("姓名、电话、住址等会自动遮住；还要由另一位发布员核对后才公开。"))  # fmt: skip

BY_OPERATION = {step.operation: step for step in (*STEPS, PROPOSE)}
