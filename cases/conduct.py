"""Whether a text complains of how an organisation or its staff behaved: then it must not be sent there by itself.

Pure; imports only the standard library. The words are data that someone who can't program can check.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

# What people write of an office's or its staff's conduct.
_WORDS = """
    不作为 乱作为 慢作为 懒政 怠政 推诿 扯皮 踢皮球 推脱 推卸 敷衍 糊弄 搪塞 应付了事 不管不问
    不闻不问 置之不理 没人管 无人管 拖着不办 拖延 久拖不决 拒不 不理睬 不受理 不给办 刁难 为难
    吃拿卡要 卡要 收钱 收费不开票 索要 索贿 受贿 行贿 贿赂 红包 好处费 回扣 贪污 腐败 挪用 克扣 截留
    私分 徇私 包庇 保护伞 勾结 利益输送 暗箱操作 关系户 优亲厚友 以权谋私 滥用职权 玩忽职守 渎职
    失职 违纪 违规操作 弄虚作假 造假 欺骗 欺上瞒下 隐瞒 打击报复 报复 威胁 恐吓 辱骂 骂人 打人 殴打
    粗暴 蛮横 恶劣 态度 官僚 形式主义 不负责任 不担当 执法不公 选择性执法 暴力执法 钓鱼执法 乱收费
    乱罚款 乱罚 工作人员 干部 领导 书记 局长 主任 所长 站长 科长 队长 镇长 乡长 村主任 村支书 经办人
    执法人员 城管队员 民警 协警 网格员 窗口 投诉他们 举报
"""
CONDUCT_WORDS = frozenset(_WORDS.split())
# What makes later words a possible accusation of those in office wherever they stand: the rows `office` of the
# classifier's list, and common variants.
_OFFICE = """
    检举 控告 贪污 受贿 行贿 贿赂 腐败 贪官 贪腐 侵吞 私吞 冒领 中饱私囊 以权谋私 滥用职权 徇私 渎职
    索要好处 索贿 收好处 收红包 收了红包 塞红包 好处费 吃拿卡要 官商勾结 权钱交易 利益输送 保护伞 包庇
    作风问题 违纪 打击报复 欺上瞒下 弄虚作假 优亲厚友 暗箱操作 村霸 玩忽职守 挪用公款 收受 收黑钱 回扣
"""
OFFICE_WORDS = frozenset(_OFFICE.split())
_HARMLESS = ("腐败变质", "腐败的肉", "腐败的菜")
# "我不是检举谁": what somebody says they don't do. Only of the two verbs; "没有贪污" may be what an office said.
_NOT_MEANT = re.compile(r"(?:不是|并非|不想|不打算|没有|没)(?:要|来|想|在|为了|特意)?(?:检举|控告)")
# How a text speaks to an office, not of it; {name} is any of its names. 向某局的科长 speaks of somebody there.
_ADDRESSED = (
    r"(?:尊敬的|[向请致呈望求盼])[\u3400-\u9fff]{0,3}?{name}(?!的(?!领导|同志)|[里某内中])",
    r"[让叫由交]{name}(?:来|去|好好|严肃)?(?:严?查|管|处理|调查|核实)",
    r"(?:举报|反映|投诉|检举|控告)[到给至]{name}",
    r"[去到找给往在]{name}(?:举报|反映|投诉|检举|控告|写信|打电话|寄|递|信访)",
    r"{name}(?:的?(?:各位)?(?:领导|同志))?们?(?:[,，]?[您你]们?好|[:：])",
    r"{name}(?:能不能|能否|可否|应该|应当|必须)",
)

NEAR = 24  # characters between a name and a word of conduct that still belong together
_BREAKS = frozenset("。！？!?\n；;")


def complained_of(text: str, names: Collection[str], words: Collection[str] = CONDUCT_WORDS, near: int = NEAR) -> bool:
    """Whether one of the names (of organisations, their aliases, their staff) stands near a word about conduct.

    Near: at most `near` characters between them, or in the same sentence at twice that distance. A name that holds a
    word itself (执法人员) needs another word beside it, unless it is exactly that word.
    """
    marks = [(start, start + len(word)) for word in words for start in _places(text, word)]
    for name in names:
        for start in _places(text, name):
            stop = start + len(name)
            if any(_belong(text, (start, stop), mark, near) for mark in marks):
                return True
    return False


def accuses_office(text: str) -> bool:
    """Whether a word about the misconduct of those in office stands in a text, whoever is meant.

    Fails to the safe side: spaces and line breaks inside a word don't hide it, and a denial counts as well; a named
    reader then decides. Only who says that they do not accuse (不是检举) is taken at their word.
    """
    joined = _NOT_MEANT.sub("", "".join(text.split()))
    for harmless in _HARMLESS:
        joined = joined.replace(harmless, "")
    return any(word in joined for word in OFFICE_WORDS)


def accuses(text: str, names: Collection[str], *, in_sentence: bool = False) -> bool:
    """Whether one of the names stands near a word of conduct, otherwise than as the one whom the text is written to.

    `in_sentence` asks for both in one sentence: for offices that reports are sent to, and so speak of, all the time.
    """
    known = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    if not known:
        return False
    any_name = f"(?:{'|'.join(known)})"
    for address in _ADDRESSED:
        text = re.sub(address.replace("{name}", any_name), "", text)
    parts = re.split(r"[。！？!?\n；;]", text) if in_sentence else [text]
    return any(complained_of(one, names) for one in parts)


def _belong(text: str, name: tuple[int, int], mark: tuple[int, int], near: int) -> bool:
    if name[0] <= mark[0] and mark[1] <= name[1]:
        return mark == name
    between = (name[1], mark[0]) if mark[0] >= name[1] else (mark[1], name[0])
    gap = between[1] - between[0]
    if gap <= near:
        return True
    return gap <= 2 * near and not _BREAKS & set(text[between[0] : between[1]])


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word) if word else -1
    while at >= 0:
        yield at
        at = text.find(word, at + 1)
