"""What the inbox is bound to: a message, a STOP or START, a turn of a call. Runs in the inbox's write transaction.

Each delivery is taken in once: a second run of the same finds its turn and gives the answer of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Submission
from cases.operations import citizens
from channels import envelope
from channels.contract import CallStep, HangUp, Kind, Message, Outcome, Say
from channels.inbox import Delivery
from classifier import words
from core.text.normalise import normalise
from intake import answers, commands, dialogue, following
from intake.commands import Command
from intake.models import Dialogue, Turn
from intake.senders import Sender, case_of, open_ones, sender_of

SAME_DANGER = timedelta(hours=2)  # a second cry about the same danger is added to the first
_SAID = {"help": answers.help_text, "person": answers.person, "thanks": answers.thanked}
_WORDS = {Kind.TEXT, Kind.MENU, Kind.FORM}
_FILES = {Kind.PICTURE, Kind.VOICE, Kind.VIDEO, Kind.FILE, Kind.LINK}


def receive(session: Session, message: Message, delivery: Delivery) -> Outcome:
    """Take one message in and answer it: a step of a dialogue, an addition, a command, a greeting."""
    earlier = _earlier(session, delivery)
    if earlier is not None:
        return earlier
    sender = sender_of(message)
    if message.kind in {Kind.FOLLOW, Kind.UNFOLLOW}:
        return _followed(session, sender, message, delivery)
    text = _text(message)
    if message.kind is Kind.PLACE and message.place is not None:
        return _place(session, sender, message, delivery)
    if message.kind in _FILES and (not text or message.kind is Kind.LINK):
        return _file(session, sender, message, delivery)
    if not text:
        return Outcome(text=answers.unreadable() if message.kind is Kind.OTHER else answers.say_what())
    if len(text) > dialogue.TEXT_MOST:
        raise dialogue.TooLong(dialogue.TEXT_MOST)
    return _words(session, sender, text, message, delivery)


def consent(session: Session, message: Message, delivery: Delivery) -> Outcome:
    """STOP: nothing more is sent to this contact point; START: it is again. The provider itself tells the sender."""
    sender = sender_of(message)
    stop = message.kind is Kind.STOP
    citizens.set_stopped(session, sender.kind, sender.value, delivery.received_at, stop)
    return Outcome()


def call_step(session: Session, step: CallStep, delivery: Delivery) -> Outcome:
    """A call that reached this number: the caller is told where an agent answers. The delivery keeps that they rang."""
    return Outcome(actions=(Say(answers.hotline_voice()), HangUp()))


def _earlier(session: Session, delivery: Delivery) -> Outcome | None:
    """The answer that this delivery was given before; after its time the number alone."""
    if delivery.attempts == 1:
        return None
    turn = session.scalar(select(Turn).where(Turn.delivery_id == delivery.id))
    if turn is None:
        return None
    if delivery.answer_sealed is not None:
        return envelope.load_outcome(delivery.answer or "")
    number = delivery.answer_number or ""
    return Outcome(text=answers.already(number) if number else "", number=number)


def _text(message: Message) -> str:
    """The words of a message; a form's fields one a line."""
    if message.kind is Kind.FORM and message.fields:
        return "\n".join(f"{name}：{value}" for name, value in message.fields.items() if value)
    return message.text.strip()


def _followed(session: Session, sender: Sender, message: Message, delivery: Delivery) -> Outcome:
    follows = message.kind is Kind.FOLLOW
    citizens.set_stopped(session, sender.kind, sender.value, delivery.received_at, not follows)
    return Outcome(text=answers.greeting() if follows else "")


# --- words ------------------------------------------------------------------------------------------------------------


def _words(session: Session, sender: Sender, text: str, message: Message, delivery: Delivery) -> Outcome:
    at = delivery.received_at
    known = dialogue.is_known(session, sender)
    current = dialogue.live(session, sender) if known else None
    if current is not None and current.step == "withdraw":
        outcome = following.settle_withdrawal(session, current, text, message, delivery)
        if outcome is not None:
            return outcome
        current = None
    copied = dialogue.earlier_copy(session, sender, text, at) if known and current is None else None
    danger = words.danger(normalise(text).text)
    if copied is not None:
        advice = f"{answers.danger_advice(danger)}\n" if danger else ""
        return Outcome(text=advice + answers.already(copied.number), number=copied.number)
    if danger:
        return _danger(session, sender, current, danger, text, message, delivery)
    command = commands.parse(text)
    if command is not None:
        outcome = _command(session, sender, current, command, message, delivery)
        if outcome is not None:
            return outcome
        text = command.text if command.word == "new" and command.text else text
    if current is not None and (current.body or not commands.has_substance(text)):
        return _go_on(session, sender, current, text, message, delivery)
    own = open_ones(session, sender) if known else []
    worried = _recent_danger(session, own, delivery)
    if not commands.has_substance(text) or (own and (commands.is_yes(text) or commands.is_no_more(text))):
        return _of_no_substance(text, own, worried)
    if worried is not None and following.kind_of(text) != "new":
        return _more_danger(session, worried, text, message, delivery)
    if own and not (command is not None and command.word == "new"):
        outcome = following.take_text(session, sender, own, text, message, delivery)
        if outcome is not None:
            return outcome
    if current is None:
        begun = dialogue.begin_with(session, sender, text, message, delivery)
        if begun is not None:
            return begun
    fresh = dialogue.begin(session, sender, at)
    if fresh.body:  # another message of theirs began it at the same moment
        return _go_on(session, sender, fresh, text, message, delivery)
    outcome = dialogue.start_with(session, sender, fresh, text, at)
    dialogue.note(session, message, delivery, "body", dialogue=fresh)
    return outcome


def _of_no_substance(text: str, own: Sequence[Submission], worried: Submission | None) -> Outcome:
    """A greeting; 确认 or 没有 after something was handed in asks for nothing more, and is told so."""
    waits = commands.is_yes(text) or commands.is_no_more(text)
    if worried is not None and waits:
        return Outcome(text=answers.danger_stands(worried.number), number=worried.number)
    if own and waits:
        return Outcome(text=answers.no_need(own[0].number), number=own[0].number)
    return Outcome(text=answers.greeting())


def _go_on(
    session: Session, sender: Sender, current: Dialogue, text: str, message: Message, delivery: Delivery
) -> Outcome:
    if current.step == "unsure":
        return following.settle_unsure(session, sender, current, text, message, delivery)
    role = {"place": "place", "about": "body"}.get(current.step, "more")
    outcome = dialogue.step(session, sender, current, text, delivery.received_at)
    dialogue.note(session, message, delivery, role, dialogue=current)
    return outcome


def _command(
    session: Session,
    sender: Sender,
    current: Dialogue | None,
    command: Command,
    message: Message,
    delivery: Delivery,
) -> Outcome | None:
    """What a command gives; None when its words belong to the dialogue under way or begin a new matter."""
    at = delivery.received_at
    if command.word in {"stop", "start"}:
        citizens.set_stopped(session, sender.kind, sender.value, at, command.word == "stop")
        said = answers.stopped if command.word == "stop" else answers.started
        return Outcome(text=said(sender.channel))
    if command.word == "cancel":
        return _cancel(session, current, message, delivery)
    if command.word == "new":
        return None if command.text else _open(session, current, message, delivery)
    if command.word in commands.CONCEALING:
        return _conceal(session, sender, current, command.word, message, delivery)
    if command.word in {"help", "progress", "person", "thanks"}:
        outcome = (
            following.show_progress(session, sender, command, at)
            if command.word == "progress"
            else Outcome(text=_SAID[command.word]())
        )
        if current is None:
            return outcome
        return Outcome(text=f"{outcome.text}\n\n{dialogue.question(session, current, at)}", code=outcome.code)
    if current is not None and current.body and command.word in {"add", "correct"} and not command.number:
        return None
    return following.obey(session, sender, command, message, delivery)


def _open(session: Session, current: Dialogue | None, message: Message, delivery: Delivery) -> Outcome | None:
    """我要投诉 and the like, which tell of nothing: what is it about? Amid a matter, that one comes first."""
    if current is None:
        return Outcome(text=answers.say_what())
    if current.step == "unsure":  # it answers whether this is a new matter
        return None
    dialogue.note(session, message, delivery, "command", dialogue=current)
    question = dialogue.question(session, current, delivery.received_at)
    if current.step == "about":
        return Outcome(text=question)
    return Outcome(text=f"{answers.finish_first()}\n{question}")


def _conceal(
    session: Session, sender: Sender, current: Dialogue | None, wish: str, message: Message, delivery: Delivery
) -> Outcome:
    """Keep with the dialogue, a new one if need be, whether its sender is to be named; ask on."""
    at = delivery.received_at
    own = open_ones(session, sender, 1) if current is None else []
    if current is None and wish == "named":
        return Outcome(text=answers.only_new_ones() if own else answers.greeting())
    current = current or dialogue.begin(session, sender, at)
    current.disclosure = wish
    dialogue.note(session, message, delivery, "command", dialogue=current)
    said = [answers.concealed(wish, sender.channel)]
    if own:
        said.append(answers.only_new_ones())
    return Outcome(text="\n".join([*said, dialogue.question(session, current, at)]))


def _cancel(session: Session, current: Dialogue | None, message: Message, delivery: Delivery) -> Outcome:
    if current is None:
        return Outcome(text=answers.nothing_to_cancel())
    dialogue.note(session, message, delivery, "command", dialogue=current)
    current.state, current.ended_at = "cancelled", delivery.received_at
    return Outcome(text=answers.cancelled())


# --- danger to life ---------------------------------------------------------------------------------------------------


def _danger(
    session: Session,
    sender: Sender,
    current: Dialogue | None,
    danger: str,
    text: str,
    message: Message,
    delivery: Delivery,
) -> Outcome:
    """Say at once whom to call, and hand in what is known; more about the same danger is added to it."""
    at = delivery.received_at
    same = _recent_danger(session, open_ones(session, sender), delivery, danger) if current is None else None
    if same is not None:
        return _more_danger(session, same, text, message, delivery)
    if current is None:
        current = dialogue.begin(session, sender, at)
    if not current.body:
        current.first_digest = sender.words_digest(normalise(text).text)
    dialogue.append(current, text)
    dialogue.note(session, message, delivery, "body", dialogue=current)
    return dialogue.submit(session, sender, current, at, danger=danger)


def _recent_danger(
    session: Session, own: Sequence[Submission], delivery: Delivery, danger: str = ""
) -> Submission | None:
    """Of a sender's open submissions the one of the last two hours about a danger to life, of this kind or any."""
    for one in own:
        found = case_of(session, one).danger
        if found and danger in {"", found} and delivery.received_at - one.received_at <= SAME_DANGER:
            return one
    return None


def _more_danger(session: Session, submission: Submission, text: str, message: Message, delivery: Delivery) -> Outcome:
    danger = case_of(session, submission).danger or "life"
    outcome = following.add(session, submission, message, delivery, text=text)
    return Outcome(text=f"{answers.danger_advice(danger)}\n{outcome.text}", number=outcome.number)


# --- files and places -------------------------------------------------------------------------------------------------


def _file(session: Session, sender: Sender, message: Message, delivery: Delivery) -> Outcome:
    """A picture, recording, film, file or link: kept with the dialogue, and a way on in words."""
    at = delivery.received_at
    current = following.without_withdrawal(dialogue.live(session, sender), at)
    session.flush()
    own = open_ones(session, sender, 1) if current is None else []
    current = current or dialogue.begin(session, sender, at)
    dialogue.note(session, message, delivery, "material", dialogue=current)
    if own:
        going_on = answers.material_after(own[0].number)
    else:
        going_on = dialogue.question(session, current, at)
    return Outcome(text=answers.material(message.kind.value, going_on))


def _place(session: Session, sender: Sender, message: Message, delivery: Delivery) -> Outcome:
    at = delivery.received_at
    following.without_withdrawal(dialogue.live(session, sender), at)
    session.flush()
    current = dialogue.begin(session, sender, at)
    if message.place is None:
        return Outcome(text=answers.unreadable())
    outcome = dialogue.take_place(session, current, message.place, at)
    dialogue.note(session, message, delivery, "place", dialogue=current)
    return outcome
