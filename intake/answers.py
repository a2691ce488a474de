"""What senders on WeChat and SMS are answered, a sentence a function: plain words, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import get_locale, gettext

from core import ids


def _(sentence: str, **values: object) -> str:
    """The sentence in the language in use, with its values."""
    locale = get_locale()
    if locale is None or locale.language == "zh":  # the Chinese sentence is the key: no catalogue need be asked
        return sentence % values if values else sentence
    return str(gettext(sentence, **values))


_EMERGENCY = {
    "gas": "请马上离开现场到室外，不要开关电器、不要在屋里打电话，",
    "fire": "请马上离开到安全的地方，不要乘电梯，",
    "collapse": "请马上远离危险的房屋和设施，",
    "life": "",
}


def danger_advice(code: str) -> str:
    """What to do at once where life is in danger; `code` gas, fire, collapse, life."""
    advice = _(
        "情况危急！%(first)s立即拨打 110（报警）、119（火警和抢险）或 120（急救）。不要等我们回复。",
        first=_EMERGENCY.get(code, ""),
    )
    # The national line of psychological aid (国家卫生健康委, 2025); the code tells of accidents too, so it says "if".
    return advice + _("如果是心里太难受，也可以拨打 12356 心理援助热线，有人听您说。") if code == "life" else advice


def greeting() -> str:
    """For a greeting or somebody who just followed."""
    return _(
        "您好，这里是 12345 热线。请直接说说是什么事、在哪里，我们登记后转给负责的部门。"
        "查进度回复“进度”，其他用法回复“帮助”。"
    )


def help_text() -> str:
    """All that can be sent."""
    return _(
        "直接写下要反映的事，我们会一步步登记。还可以回复：\n"
        "进度：看您的诉求办到哪一步\n进度 编号 查询码：看别的渠道提交的诉求\n"
        "催办：请部门加快\n补充 内容：补充情况\n评价 满意（或不满意）：评价答复\n"
        "异议 理由：不认可答复\n撤回：不再反映\n"
        "匿名 或 保密：不让承办部门知道是谁反映的\n退订：不再收通知\n"
        "危及生命请直接拨打 110、119、120。人工服务请拨 12345。"
    )


def say_what() -> str:
    """When a message tells of nothing yet."""
    return _("请说说是什么事：发生了什么、从什么时候开始、希望怎么解决。")


def finish_first() -> str:
    """我要投诉 amid another matter."""
    return _("您还有一件事正在填写，请先填完；不再提交这件的，回复“取消”。")


def not_yet_submitted() -> str:
    """没有 at the summary: what to reply, in so many words."""
    return _("还没有提交。没有要改的，请回复“确认”两个字；哪里不对，请直接写出来。")


def ask_place(known: str = "") -> str:
    """Where is it? `known`: the area that was named already."""
    if known:
        return _(
            "记下了。地点是“%(place)s”吗？请写详细地点（小区、路名、门牌或附近标志）；前面已写清楚的，回复“1”。",
            place=known,
        )
    return _("记下了。请问在哪里？请写详细地点（区县、小区、路名、门牌或附近标志）；没有具体地点的，回复“无”。")


def ask_more() -> str:
    """Anything to add?"""
    return _("还有要补充的吗？可以接着写，也可以发照片；没有请回复“没有”。")


def noted_more() -> str:
    """Something was added."""
    return _("已记下。还有要补充的吗？没有请回复“没有”。")


def ask_short(known: str = "") -> str:
    """The one question of the short flow."""
    if known:
        return _("已记下，地点：%(place)s。要补充地点或情况请直接回复；没有请回复“确认”提交。", place=known)
    return _("已记下。请回复事情发生的地点（区县、小区或路名），有补充也请一并写上；没有请回复“确认”提交。")


def summary(body: str, place: str, materials: int, disclosure: str = "named") -> str:
    """What will be submitted, to be confirmed."""
    lines = [
        _("请核对：\n事情：%(body)s\n地点：%(place)s", body=_short(body, 300), place=_short(place, 80) or _("未填"))
    ]
    if materials:
        lines.append(_("材料：%(count)s 件", count=materials))
    if disclosure != "named":
        said = _("匿名") if disclosure == "anonymous" else _("实名保密")
        lines.append(_("身份：%(said)s（要改为不保密，回复“实名”）", said=said))
    lines.append(_("没问题请回复“确认”提交；要重写回复“修改”，不提交回复“取消”，也可以接着补充。"))
    return "\n".join(lines)


def write_again() -> str:
    """After 修改."""
    return _("好的，请重新写：是什么事、在哪里。")


def submitted(number: str, code: str | None, day: date | None) -> str:
    """The number, and the code that is shown only here."""
    if code is None:
        return already(number)
    promise = _("最晚 %(month)s 月 %(day)s 日前答复您。", month=day.month, day=day.day) if day else ""
    return _(
        "已登记，编号 %(number)s，查询码 %(code)s（只显示这一次，请保存）。%(promise)s"
        "随时回复“进度”查看，有补充直接回复。",
        number=ids.grouped(number), code=code, promise=promise,
    )  # fmt: skip


def already(number: str) -> str:
    """The same was submitted before."""
    return _("这件事已经登记过，编号 %(number)s，不用重复提交。回复“进度”查看办理情况。", number=ids.grouped(number))


def cancelled() -> str:
    """The sender does not go on."""
    return _("好的，这次的内容没有提交。需要时随时再写给我们。")


def nothing_to_cancel() -> str:
    """取消 without a dialogue."""
    return _("现在没有正在填写的内容。要撤回已提交的诉求，请回复“撤回”。")


def which(options: Sequence[tuple[str, str]]) -> str:
    """One sentence that asks whether it belongs to an earlier matter; `options` are (number, title), at least one."""
    if len(options) == 1:
        number, title = options[0]
        return _(
            "是补充原来的事（%(number)s %(title)s），还是新的事？补充回复“1”，新的事回复“2”。",
            number=ids.grouped(number), title=_short(title, 20),
        )  # fmt: skip
    lines = [f"{at}：{ids.grouped(number)} {_short(title, 20)}" for at, (number, title) in enumerate(options, 1)]
    return _(
        "是补充下面哪一件，还是新的事？\n%(lines)s\n补充请回复序号，新的事回复“%(new)s”。",
        lines="\n".join(lines), new=len(options) + 1,
    )  # fmt: skip


def added(number: str, *, readers_alone: bool = False) -> str:
    """Added to an earlier submission."""
    if readers_alone:
        return _("已补充到编号 %(number)s，只有指定人员能看到，不用重新提交。", number=ids.grouped(number))
    return _("已补充到编号 %(number)s，承办部门会看到，不用重新提交。", number=ids.grouped(number))


def answered(number: str, *, readers_alone: bool = False) -> str:
    """Our question was answered."""
    if readers_alone:
        return _("谢谢，已收到您的说明（编号 %(number)s），只有指定人员能看到。", number=ids.grouped(number))
    return _("谢谢，您的说明已转给承办部门（编号 %(number)s）。", number=ids.grouped(number))


def urged(number: str, line: str) -> str:
    """催办 was noted."""
    return _("已为编号 %(number)s 催办。现在的情况：%(line)s。", number=ids.grouped(number), line=line)


def objected(number: str, track: str, *, readers_alone: bool = False) -> str:
    """An objection was noted; 重办 is of the hotline, the petition track has its 复查."""
    if readers_alone:
        return _("已记下您对编号 %(number)s 答复的异议，只有指定人员能看到，由他们核实。", number=ids.grouped(number))
    if track == "petition":
        return _("已记下您对编号 %(number)s 答复的异议，工作人员核实后告诉您怎样处理。", number=ids.grouped(number))
    return _("已记下您对编号 %(number)s 答复的异议，工作人员核实后决定是否重办。", number=ids.grouped(number))


def rated(number: str, unhappy: bool) -> str:
    """A rating was noted."""
    more = _("如不认可答复，可回复“异议”加理由。") if unhappy else ""
    return _("谢谢您的评价（编号 %(number)s）。%(more)s", number=ids.grouped(number), more=more)


def how_to_rate() -> str:
    """评价 without a judgement."""
    return _(
        "请回复“评价”加您的看法：很满意、满意、基本满意、不满意、很不满意；也请写明“已解决”或“未解决”。"
        "例如：评价 满意 已解决"
    )


def how_to_add() -> str:
    """补充 without text."""
    return _("请回复“补充”加要补充的内容，例如：补充 今天又停了一次水。")


def how_to_object() -> str:
    """异议 without text."""
    return _("请回复“异议”加理由，例如：异议 路灯还是不亮。")


def nothing_to(word: str) -> str:
    """A command for which the sender has no submission in the right state."""
    return _(
        "没有找到可以“%(word)s”的诉求。要反映新的事，请直接写；看其他渠道提交的，请回复“进度 编号 查询码”。", word=word
    )


def name_one(word: str, options: Sequence[tuple[str, str]]) -> str:
    """Several submissions: which? `options` are (number, title)."""
    lines = "\n".join(f"{ids.grouped(number)} {_short(title, 20)}" for number, title in options)
    return _("您有几件诉求，请回复“%(word)s”加编号：\n%(lines)s", word=word, lines=lines)


def confirm_withdrawal(number: str, title: str, *, by_number: bool = False, readers_alone: bool = False) -> str:
    """Taking back is asked about once; `by_number` where a plain yes would answer something else.

    Of what only its readers see, they decide whether it goes on (`readers_alone`).
    """
    word = f"撤回 {number}" if by_number else "确认"
    if readers_alone:
        return _(
            "要撤回编号 %(number)s（%(title)s）吗？只有指定人员能看到它，撤回后是否继续核实由他们决定。"
            "确定请回复“%(word)s”；不撤回就不用回复。",
            number=ids.grouped(number), title=_short(title, 20), word=word,
        )  # fmt: skip
    return _(
        "要撤回编号 %(number)s（%(title)s）吗？撤回后不再办理。确定请回复“%(word)s”；不撤回就不用回复。",
        number=ids.grouped(number), title=_short(title, 20), word=word,
    )  # fmt: skip


def not_withdrawn(number: str) -> str:
    """No to the question whether to take back."""
    return _("好的，编号 %(number)s 没有撤回，照常办理。", number=ids.grouped(number))


def withdrawn(number: str, *, readers_alone: bool = False) -> str:
    """Taken back."""
    if readers_alone:
        return _("编号 %(number)s 已撤回；只有指定人员能看到，是否继续核实由他们决定。", number=ids.grouped(number))
    return _("编号 %(number)s 已撤回。需要时可以重新反映。", number=ids.grouped(number))


def no_submissions() -> str:
    """进度 from a sender without submissions."""
    return _("没有查到您在这里提交的诉求。其他渠道提交的，请回复“进度 编号 查询码”。")


def code_needed() -> str:
    """A number without its code."""
    return _("这个编号不是从这里提交的，请连查询码一起发：进度 编号 查询码。查询码丢失请拨 12345。")


def wrong_code() -> str:
    """Number and code do not fit."""
    return _("编号和查询码对不上，请核对后重发。查询码丢失请拨 12345，由话务员核实身份后补发。")


def too_many(minutes: int) -> str:
    """Too many wrong codes."""
    return _("输错次数过多，请 %(minutes)s 分钟后再试，或拨打 12345。", minutes=minutes)


def material(kind: str, going_on: str) -> str:
    """A file came; `going_on` is the question that waits."""
    names = {"picture": _("图片"), "voice": _("语音"), "video": _("视频"), "file": _("文件"), "link": _("链接")}
    return _(
        "收到%(what)s，已原样留存；工作人员暂时看不到，请再用文字说明。%(going_on)s",
        what=names.get(kind, _("材料")),
        going_on=going_on,
    )


def material_first() -> str:
    """A file before any words."""
    return _("请再用文字说说是什么事、在哪里，我们一并登记。")


def material_after(number: str) -> str:
    """A file from a sender with an open submission."""
    return _("如果是补充编号 %(number)s，请回复“补充”加一句说明；新的事请直接写。", number=ids.grouped(number))


def unreadable() -> str:
    """A message of a kind that can't be read."""
    return _("这类消息暂时看不了，请用文字说明。人工服务请拨 12345。")


def stopped(channel: str) -> str:
    """After 退订: what still comes, and the way back. WeChat answers only, so nothing came there by itself."""
    if channel == "wechat":
        return _(
            "已退订。微信这里只回复您写来的消息，不主动发通知；诉求照常办理，随时回复“进度”查看。"
            "留过手机号的，短信要在短信里回复“退订”。要恢复，请回复“恢复”。"
        )
    return _(
        "已退订，不再主动给您发通知，包括答复和要您补充的事。诉求照常办理；您写来的仍会回复，随时回复“进度”查看。"
        "要重新接收通知，请回复“恢复”。"
    )


def started(channel: str) -> str:
    """After 恢复."""
    if channel == "wechat":
        return _("已恢复。微信这里不主动发通知，诉求办到哪一步，请回复“进度”查看。")
    return _("已恢复，诉求有进展会在这里通知您。不想再收到，请回复“退订”。")


def person() -> str:
    """人工: where a person answers."""
    return _("人工服务请直接拨打 12345，由话务员接听。也可以在这里写下是什么事、在哪里，我们登记后转给负责的部门。")


def thanked() -> str:
    """谢谢."""
    return _("不客气。需要时随时写给我们；回复“进度”可以看办到哪一步。")


def concealed(disclosure: str, channel: str) -> str:
    """Somebody asked to be 匿名, 保密 or neither; what that means here."""
    if disclosure == "named":
        return _("好的，不再保密，承办部门可以联系您核实。")
    if disclosure == "anonymous" and channel == "sms":
        return _("已记为匿名：承办部门看不到是谁反映的；工作人员看不到您的号码，只用来给您发送进度。")
    if disclosure == "anonymous":
        return _("已记为匿名：承办部门看不到是谁反映的；工作人员看不到您的微信，只用来给您回复。")
    known = _("我们只用这个手机号给您回复") if channel == "sms" else _("我们只用这个微信给您回复")
    return _("已记为保密：承办部门看不到是谁反映的；%(known)s。", known=known)


def only_new_ones() -> str:
    """匿名 or 保密 is about what is written next."""
    return _("这只对接下来写的事有效；已经登记的要改，请拨 12345。")


def no_need(number: str) -> str:
    """确认 or 没有 when nothing waits for it."""
    return _(
        "编号 %(number)s 已经登记，不用再回复。有补充请直接写；回复“进度”看办到哪一步。", number=ids.grouped(number)
    )


def danger_stands(number: str) -> str:
    """确认 or 没有 after a cry for help: it was taken in, and what to do goes on."""
    return _(
        "编号 %(number)s 已登记并提醒了值班人员，不用再确认。请先保证安全；还没有打 110、119 或 120 的，请现在就打。"
        "有新的情况或具体地址，直接写在这里。",
        number=ids.grouped(number),
    )


def too_long(most: int) -> str:
    """A text beyond what one message may hold."""
    return _("内容太长，一次最多 %(most)s 字，请分几次发送，或在网上提交。", most=most)


def hotline_voice() -> str:
    """Said to a caller where no agent can be reached by this number."""
    return _("您好，这里是 12345 政务服务便民热线。请拨打 12345 由话务员为您登记。危及生命请拨打 110、119 或 120。")


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
