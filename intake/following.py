"""What a sender says about submissions they have: progress, urging, adding, answering us, rating, taking back.

All is added to the submission it belongs to and makes no new case; when it could be either, one sentence asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cases.models import Submission
from cases.operations import accusations, closing, codes, messages, submissions
from channels.contract import Message, Outcome
from channels.inbox import Delivery
from classifier import words
from core.text.normalise import normalise
from intake import answers, commands, dialogue, held, progress
from intake.commands import Command
from intake.models import Dialogue
from intake.senders import Sender, case_of, open_ones, own_by_number, own_ones, sender_of
from organisations.people import CITIZEN

# What a free text about a matter already with us looks like; data, to be read and changed.
_NEW = re.compile(
    r"^(?:新的?事|另一?件|另外一?件|还有一?件|再反映|我还要反映|我?要?另外反映)|(?:不是|不同于)(?:上次|之前|原来)"
)
_ADD = re.compile(
    r"^(?:补充|更正|说错|写错|刚才|再补充)|(?:之前|上次|前面|刚才|昨天|前天|上周|已经)(?:我)?(?:反映|投诉|说|提交|报修)(?:过)?的|"
    r"关于(?:我|之前|上次)"
)
_URGE = re.compile(
    r"(?:怎么|为什么|为何)?(?:还没|还没有|迟迟)(?:有)?(?:人)?(?:处理|解决|来|修|回复|联系|管|动静|消息)|多久(?:能|才)|"
    r"什么时候(?:能|才)(?:处理|解决|修|好|来|回复)|(?:请|麻烦)?(?:尽快|抓紧|快点|赶紧)(?:处理|解决|办|修|来)?|没人(?:管|来|处理|联系)|催"
)
_ENQUIRY = re.compile(
    r"进展|进度|办得?怎么样|处理得?怎么样|处理了吗|解决了吗|有结果|什么结果|办到哪|到哪一步|回复了吗|怎么样了"
)
_QUESTION_STANDS = timedelta(minutes=30)  # for so long a plain yes answers whether to take back
_SHORT = 30  # characters of an urging or an enquiry
_ELSE = 6  # characters of them that say anything else: "公园的器材坏了没人管" tells of a new matter
_WORDY = re.compile(r"[\u3400-\u9fffA-Za-z0-9]")


def kind_of(text: str) -> str:
    """What a free text is for a sender with an open submission: new, addition, urge, enquiry, or unsure. Pure."""
    clean = normalise(text).text
    if _NEW.search(clean):
        return "new"
    if _ADD.search(clean):
        return "addition"
    if _only(_URGE, clean):
        return "urge"
    return "enquiry" if _only(_ENQUIRY, clean) else "unsure"


def _only(words: re.Pattern[str], text: str) -> bool:
    """Whether a short text holds such words and little else."""
    left, found = words.subn("", text)
    return bool(found) and len(text) <= _SHORT and len(_WORDY.findall(left)) <= _ELSE


# --- commands ---------------------------------------------------------------------------------------------------------


def show_progress(session: Session, sender: Sender, command: Command, at: datetime) -> Outcome:
    """The sender's own submissions; by number one of them; by number and code any. Wrong codes are counted.

    An own submission needs no code, so nobody's guessing locks its owner out.
    """
    if not command.number:
        own = own_ones(session, sender)
        if not own:
            return Outcome(text=answers.no_submissions())
        if len(own) == 1:
            return Outcome(text=progress.full(session, own[0]))
        return Outcome(text="\n".join(progress.line(session, one) for one in own))
    mine = own_by_number(session, sender, command.number)
    if mine is not None:
        return Outcome(text=progress.full(session, mine))
    if not command.code:
        return Outcome(text=answers.code_needed())
    found, minutes = codes.judge(session, at, command.number, command.code, sender.asker)
    if minutes:
        return Outcome(text=answers.too_many(minutes), code="too_many_tries")
    submission = session.get(Submission, found) if found is not None else None
    if submission is None:
        return Outcome(text=answers.wrong_code(), code="wrong_code")
    return Outcome(text=progress.full(session, submission))


def obey(session: Session, sender: Sender, command: Command, message: Message, delivery: Delivery) -> Outcome:
    """Do what 催办 补充 更正 撤回 评价 异议 asks, to the submission named or the only one that it can mean."""
    wanted = {"rate": ("asking", "closed"), "object": ("asking",)}.get(command.word)
    word = {"urge": "催办", "add": "补充", "correct": "更正", "withdraw": "撤回", "rate": "评价", "object": "异议"}
    missing = _missing(command)
    if missing:
        return Outcome(text=missing)
    found = _meant(session, sender, command.number, wanted)
    if not found:
        return Outcome(text=answers.nothing_to(word[command.word]))
    if len(found) > 1 and command.word == "add":
        return _ask_which(session, sender, found, command.text, message, delivery)
    if len(found) > 1:
        return Outcome(text=answers.name_one(word[command.word], [(one.number, one.title_masked) for one in found]))
    return _do(session, found[0], command, message, delivery)


def _missing(command: Command) -> str:
    """What to say when a command lacks what it is about."""
    if command.word in {"add", "correct"} and not command.text:
        return answers.how_to_add()
    if command.word == "object" and not command.text:
        return answers.how_to_object()
    if command.word == "rate" and commands.judgement(command.text) == commands.NOTHING_SAID:
        return answers.how_to_rate()
    return ""


def _meant(session: Session, sender: Sender, number: str, stages: Sequence[str] | None) -> list[Submission]:
    """The submissions a command can mean: the one named, else those open, or those in one of the stages.

    Where several fit, the first stage that any is in decides; of closed ones only the newest is meant.
    """
    if number:
        mine = own_by_number(session, sender, number)
        return [mine] if mine is not None else []
    if stages is None:
        return open_ones(session, sender)
    own = [one for one in own_ones(session, sender) if one.withdrawn_at is None]
    for stage in stages:
        fitting = [one for one in own if case_of(session, one).stage == stage]
        if fitting:
            return fitting if stage != "closed" else fitting[:1]
    return []


def _readers_alone(session: Session, submission: Submission) -> bool:
    return accusations.for_readers_alone(case_of(session, submission), submission)


def _source(message: Message, delivery: Delivery, text: str) -> messages.Sent:
    """Where a message came from, and the danger its words tell of; a repeat of the delivery gives the earlier row."""
    danger = words.danger(normalise(text).text)
    return {"origin": message.channel, "origin_key": delivery.key, "channel": message.channel, "danger": danger}


def _do(session: Session, submission: Submission, command: Command, message: Message, delivery: Delivery) -> Outcome:
    at, number = delivery.received_at, submission.number
    if command.word == "withdraw" and not command.number:
        return _ask_withdrawal(session, submission, message, delivery)
    source = _source(message, delivery, command.text)
    if command.word == "urge":
        messages.urge(session, CITIZEN, at, submission.id, command.text, **source)
        text = answers.urged(number, progress.state(session, submission, case_of(session, submission)))
    elif command.word == "withdraw":
        return _withdraw(session, submission, message, delivery)
    elif command.word == "object":
        messages.object_(session, CITIZEN, at, submission.id, command.text, **source)
        text = answers.objected(
            number, case_of(session, submission).track, readers_alone=_readers_alone(session, submission)
        )
    elif command.word == "rate":
        said = commands.judgement(command.text)
        closing.rate(session, CITIZEN, at, submission.id, said.contacted, said.resolved, said.satisfaction,
                     command.text, message.channel, danger=source.get("danger", ""))  # fmt: skip
        text = answers.rated(number, unhappy=said.resolved is False or (said.satisfaction or 5) <= 2)
    else:
        kind = "correction" if command.word == "correct" else "addition"
        return add(session, submission, message, delivery, text=command.text, kind=kind)
    dialogue.note(session, message, delivery, "command", submission_id=submission.id)
    return Outcome(text=text, number=number)


# --- taking back ------------------------------------------------------------------------------------------------------


def _ask_withdrawal(session: Session, submission: Submission, message: Message, delivery: Delivery) -> Outcome:
    """Ask whether to take it back. A dialogue keeps the question for the very next message, unless one is under way."""
    sender, at = sender_of(message), delivery.received_at
    number, title, alone = submission.number, submission.title_masked, _readers_alone(session, submission)
    if dialogue.live(session, sender) is not None:
        return Outcome(text=answers.confirm_withdrawal(number, title, by_number=True, readers_alone=alone))
    pending = dialogue.begin(session, sender, at)
    if pending.body or pending.step != "about":  # another message of theirs began it at the same moment
        return Outcome(text=answers.confirm_withdrawal(number, title, by_number=True, readers_alone=alone))
    pending.step, pending.options = "withdraw", [submission.id]
    dialogue.note(session, message, delivery, "command", dialogue=pending)
    return Outcome(text=answers.confirm_withdrawal(number, title, readers_alone=alone))


def settle_withdrawal(
    session: Session, pending: Dialogue, text: str, message: Message, delivery: Delivery
) -> Outcome | None:
    """The answer to "take it back?"; None when it is about something else, and the question is then over."""
    at = delivery.received_at
    (submission,) = dialogue.offered(session, pending)
    if commands.is_take_back(text) and at > pending.last_at + _QUESTION_STANDS:
        dialogue.note(session, message, delivery, "command", dialogue=pending)
        title, alone = submission.title_masked, _readers_alone(session, submission)
        return Outcome(text=answers.confirm_withdrawal(submission.number, title, readers_alone=alone))
    without_withdrawal(pending, at)
    session.flush()
    if commands.is_take_back(text):
        return _withdraw(session, submission, message, delivery)
    if commands.is_keep(text):
        dialogue.note(session, message, delivery, "command", submission_id=submission.id)
        return Outcome(text=answers.not_withdrawn(submission.number), number=submission.number)
    return None


def without_withdrawal(pending: Dialogue | None, at: datetime) -> Dialogue | None:
    """The live dialogue, but for one that only held the question whether to take back: that one ends."""
    if pending is None or pending.step != "withdraw":
        return pending
    pending.state, pending.ended_at = "cancelled", at
    return None


def _withdraw(session: Session, submission: Submission, message: Message, delivery: Delivery) -> Outcome:
    submissions.withdraw(session, CITIZEN, delivery.received_at, submission.id, "citizen")
    dialogue.note(session, message, delivery, "command", submission_id=submission.id)
    text = answers.withdrawn(submission.number, readers_alone=_readers_alone(session, submission))
    return Outcome(text=text, number=submission.number)


# --- free text --------------------------------------------------------------------------------------------------------


def add(
    session: Session, submission: Submission, message: Message, delivery: Delivery, *, text: str, kind: str = "addition"
) -> Outcome:
    """Add words to a submission; while a question of ours is open they are its answer.

    Files that came before these words go with them.
    """
    at = delivery.received_at
    text = _with_materials(session, submission, text, message, at)
    source = _source(message, delivery, text)
    if kind == "addition" and messages.open_question(session, submission.id) is not None:
        messages.answer_question(session, CITIZEN, at, submission.id, text, **source)
        said = answers.answered(submission.number, readers_alone=_readers_alone(session, submission))
    else:
        messages.add(session, CITIZEN, at, submission.id, text, kind=kind, **source)
        said = answers.added(submission.number, readers_alone=_readers_alone(session, submission))
    dialogue.note(session, message, delivery, "more", submission_id=submission.id)
    return Outcome(text=said, number=submission.number)


def _with_materials(session: Session, submission: Submission, text: str, message: Message, at: datetime) -> str:
    """The words, telling of the files of a dialogue that holds nothing else; it is then joined to the submission."""
    waiting = dialogue.live(session, sender_of(message))
    if waiting is None or waiting.body:
        return text
    files = held.line(session, waiting)
    waiting.state, waiting.submission_id = "joined", submission.id
    waiting.last_at = waiting.ended_at = at
    return f"{text}\n{files}" if files else text


def take_text(
    session: Session, sender: Sender, own: list[Submission], text: str, message: Message, delivery: Delivery
) -> Outcome | None:
    """A free text from a sender with open submissions; None when it is plainly a new matter."""
    asked = [one for one in own if messages.open_question(session, one.id) is not None]
    kind = kind_of(text)
    if kind == "new":
        return None
    if asked:
        return add(session, asked[0], message, delivery, text=text)
    if len(own) == 1 and kind == "addition":
        return add(session, own[0], message, delivery, text=text)
    if len(own) == 1 and kind == "urge":
        return _do(session, own[0], Command("urge", text=text), message, delivery)
    if kind == "enquiry":
        for one in own if len(own) == 1 else ():
            messages.enquire(session, CITIZEN, delivery.received_at, one.id, text, **_source(message, delivery, text))
        return show_progress(session, sender, Command("progress"), delivery.received_at)
    if kind == "urge":
        return obey(session, sender, Command("urge", text=text), message, delivery)
    return _ask_which(session, sender, own, text, message, delivery)


def _ask_which(
    session: Session, sender: Sender, own: list[Submission], text: str, message: Message, delivery: Delivery
) -> Outcome:
    """Keep the words and ask in one sentence whether they belong to an earlier matter."""
    pending = dialogue.begin(session, sender, delivery.received_at)
    if not pending.body:  # else another message of theirs began it at the same moment
        pending.step, pending.options = "unsure", [one.id for one in own]
        pending.first_digest = sender.words_digest(normalise(text).text)
    dialogue.append(pending, text)
    dialogue.note(session, message, delivery, "body", dialogue=pending)
    return Outcome(text=dialogue.question(session, pending, delivery.received_at))


def settle_unsure(
    session: Session, sender: Sender, pending: Dialogue, text: str, message: Message, delivery: Delivery
) -> Outcome:
    """The answer to "which?": a number of the list, 补充, 新的事; anything else is more of the same and asked again."""
    offered = dialogue.offered(session, pending)
    clean = normalise(text).text.strip(" 。.，,、“”\"'：:")
    if clean.isdecimal() and 1 <= int(clean) <= len(offered):
        return _joined(session, pending, offered[int(clean) - 1], message, delivery)
    if clean in _OLD and len(offered) == 1:
        return _joined(session, pending, offered[0], message, delivery)
    dialogue.note(session, message, delivery, "body", dialogue=pending)
    at = delivery.received_at
    says_new = clean in _NEW_WORDS or commands.parse(text) == Command("new")
    if clean == str(len(offered) + 1) or says_new or not offered:
        first = pending.first_digest
        outcome = dialogue.start_with(session, sender, pending, pending.body or "", at)
        pending.first_digest = first
        return outcome
    dialogue.append(pending, text)
    return Outcome(text=dialogue.question(session, pending, at))


_OLD = frozenset({"补充", "原来的", "原来的事", "是补充", "补充原来的事", "旧的", "同一件", "同一件事", "是"})
_NEW_WORDS = frozenset({"新", "新的", "新事", "新的事", "是新的事", "新诉求", "不是", "另一件事", "新的一件事"})


def _joined(
    session: Session, pending: Dialogue, submission: Submission, message: Message, delivery: Delivery
) -> Outcome:
    """What waited is added to the earlier submission, and the dialogue ends."""
    text = f"{pending.body or ''}\n{held.line(session, pending)}".strip()
    outcome = add(session, submission, message, delivery, text=text)
    pending.state, pending.submission_id = "joined", submission.id
    pending.last_at = pending.ended_at = delivery.received_at
    return outcome
