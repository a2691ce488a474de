"""What is wrong with a call before anything is written: a field each, with what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _

from callcenter import names
from callcenter.call import SCORES, YES_NO, Call
from cases.errors import Invalid
from cases.operations.asked import telling
from classifier import words
from core import ids
from core.text.normalise import normalise
from core.text.numbers import id_number_ok, normal_phone

LONGEST_MESSAGE = 2000
DOES = ("send", "register", "answer")
# Kinds that are about an earlier submission; an enquiry may be about none.
ABOUT = ("add", "urge", "withdraw", "rate")


def settle(call: Call) -> Call:
    """The call with what follows from what was chosen: harassment without a matter is a call of that kind."""
    kind = "nuisance" if call.flag == "nuisance" and call.kind == "new" and not call.body else call.kind
    flag = "nuisance" if kind == "nuisance" else call.flag or "not_needed"
    return replace(call, kind=kind, flag=flag)


def check(call: Call, do: str, at: datetime) -> None:
    """Raise Invalid with everything that needs changing; of a new matter intake looks at the rest."""
    faults = _kind_faults(call, do) | _number_faults(call) | _call_back_faults(call, at)
    if call.kind != "new" and call.body and len(call.body) > LONGEST_MESSAGE:
        faults["body"] = _("最多 %(n)s 个字，请精简。", n=f"{LONGEST_MESSAGE:,}")
    if faults:
        raise Invalid(faults)


def danger_of(call: Call) -> str:
    """The code of the danger to life that the words tell of, or ""."""
    return words.danger(normalise(f"{call.title}\n{call.body}\n{call.comment}\n{call.place}").text)


def _kind_faults(call: Call, do: str) -> dict[str, str]:
    faults = {}
    if call.kind not in names.kinds() or do not in DOES:
        faults["kind"] = _("请选择来电类型。")
    if call.kind in ABOUT and call.earlier_id is None:
        faults["earlier"] = _("请先在“来电人”里选是哪一件；找不到的，请来电人报诉求编号，查到后再选。")
    if call.kind == "new" and call.earlier_id is not None:
        faults["kind"] = _("已选了先前的一件。请把类型改为追加、催办、查询、撤回或评价；是新的事，请选“都不是”。")
    if call.kind == "add" and not call.body:
        faults["body"] = _("请写下要补充的内容。")
    if call.kind == "enquiry" and call.earlier_id is None and not (call.body or call.answer or call.used):
        faults["body"] = _("请写下来电人问的是什么。")
    if call.kind == "rate" and not _rated(call):
        faults["score"] = _("请至少回答一项评价。")
    if do == "answer" and call.kind in ("new", "enquiry") and not call.answer:
        faults["answer"] = _("请填写当场告诉来电人的答复，或念一条知识库的答复。")
    elif do == "answer" and call.kind == "new":
        faults |= _few_words(call.answer)
    if call.kind == "enquiry" and call.earlier_id is None and danger_of(call):
        faults["kind"] = _("内容涉及人身安全，请登记为新诉求，值班人员才会收到提醒。")
    return faults


def _few_words(answer: str) -> dict[str, str]:
    """The answer is served as the citizen's: before anything is written, whether it says something."""
    try:
        telling(answer, "answer", "")
    except Invalid as error:
        return error.fields
    return {}


def _rated(call: Call) -> bool:
    return call.contacted in YES_NO or call.resolved in YES_NO or call.score in SCORES or bool(call.comment)


def _number_faults(call: Call) -> dict[str, str]:
    known = normal_phone(call.number) or id_number_ok(call.number) or ids.clean_number(call.number)
    if call.number and not known:
        return {"number": _("请核对来电号码：应是 11 位手机号，或带区号的座机号；号码没有显示的，请留空。")}
    return {}


def _call_back_faults(call: Call, at: datetime) -> dict[str, str]:
    if call.flag not in names.flags():
        return {"flag": _("请选择需回访、不需回访或骚扰电话。")}
    if call.flag != "needed":
        return {}
    faults = {}
    if not normal_phone(call.back_to):
        faults["callback_phone"] = (
            _("回访电话不对，请填 11 位手机号，或带区号的座机号。") if call.back_to else _("需回访的，请填写回访电话。")
        )
    if call.callback_due and (call.due is None or call.due <= at):
        faults["callback_due"] = _("回访时间应晚于现在；不填的，按规定的时限回访。")
    return faults
