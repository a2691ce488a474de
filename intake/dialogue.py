"""A dialogue kept as rows: what is it about, where, anything to add, a summary to confirm; then number and query code.

Runs in the inbox's write transaction: rows and pure functions only. SMS asks once for place and additions together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cases.models import Submission
from cases.operations import submissions
from cases.operations.submissions import NewSubmission, Submitted
from channels.contract import Message, Outcome, Place
from channels.inbox import Delivery
from classifier import words
from core.errors import HubError
from core.rows import insert_row, run, store_new
from core.text.normalise import normalise
from intake import answers, commands, held
from intake.forms import find_area
from intake.models import LIVE, Dialogue, Turn
from intake.senders import Sender, case_of
from intake.text import own_phone, prepare, title_of
from organisations import places
from organisations.models import Area
from organisations.people import CITIZEN, Actor

TEXT_MOST = 5000  # characters of one message
BODY_MOST = 20_000  # characters of a dialogue
PLACE_MOST = 200
COPY_WINDOW = timedelta(days=7)
_SHORT_FLOW = frozenset({"sms"})  # channels that ask once


class TooLong(HubError):
    """More text than one message may hold; the sender is told, the delivery keeps the raw text."""

    code = "too_long"

    def __init__(self, most: int) -> None:
        super().__init__(answers.too_long(most))


# --- rows -------------------------------------------------------------------------------------------------------------


_KNOWN = text(
    "SELECT 1 FROM dialogues WHERE channel = :channel AND sender_digest = :digest "
    "UNION ALL SELECT 1 FROM contact_points WHERE kind = :kind AND digest = :digest LIMIT 1"
)


def is_known(session: Session, sender: Sender) -> bool:
    """Whether there can be anything of theirs: a dialogue, or a submission made with their contact point.

    One small question in place of three, for most who write are strangers.
    """
    values = {"channel": sender.channel, "kind": sender.kind, "digest": sender.digest}
    return run(session, _KNOWN, values).first() is not None


def live(session: Session, sender: Sender) -> Dialogue | None:
    """The sender's dialogue under way, under lock; one that was left counts until an agent has dealt with it."""
    query = select(Dialogue).where(
        Dialogue.channel == sender.channel, Dialogue.sender_digest == sender.digest, Dialogue.state.in_(LIVE)
    )
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def begin(session: Session, sender: Sender, at: datetime) -> Dialogue:
    """The sender's live dialogue, a new one when there is none; two messages at once give one."""
    fresh = _fresh(sender, at)
    if store_new(session, fresh):
        return fresh
    found = live(session, sender)
    if found is None:  # the one that was in the way ended meanwhile
        raise RuntimeError("dialogue_ended_meanwhile")
    return found


def begin_with(session: Session, sender: Sender, text: str, message: Message, delivery: Delivery) -> Outcome | None:
    """A new dialogue with its first words, all written at once; None, and nothing done, when there is a live one."""
    at = delivery.received_at
    fresh = _fresh(sender, at)
    _first_words(sender, fresh, text)
    if not insert_row(session, fresh):
        return None
    _keep_turn(session, _turn(message, delivery, "body", fresh.id, None))
    return Outcome(text=question(session, fresh, at))


def _fresh(sender: Sender, at: datetime) -> Dialogue:
    fresh = Dialogue(
        channel=sender.channel, sender_digest=sender.digest, state="open", step="about", parts=0, options=[],
        disclosure="named", started_at=at, last_at=at, version=1,
    )  # fmt: skip
    fresh.sender = sender.value
    return fresh


def note(
    session: Session,
    message: Message,
    delivery: Delivery,
    role: str,
    *,
    dialogue: Dialogue | None = None,
    submission_id: int | None = None,
) -> None:
    """Keep that a delivery was taken in, with its words and the files it refers to; a dialogue lives on by it."""
    if dialogue is not None:
        dialogue.last_at = max(dialogue.last_at, delivery.received_at)
        dialogue.state = "open" if dialogue.state == "left" else dialogue.state
        dialogue.version += 1
    session.flush()
    _keep_turn(session, _turn(message, delivery, role, dialogue.id if dialogue else None, submission_id))


def _turn(message: Message, delivery: Delivery, role: str, dialogue_id: int | None, submission_id: int | None) -> Turn:
    turn = Turn(delivery_id=delivery.id, kind=message.kind.value, role=role, at=delivery.received_at,
                dialogue_id=dialogue_id, submission_id=submission_id)  # fmt: skip
    turn.text = message.text or None
    turn.reference = "\n".join(media.reference for media in message.media) or None
    return turn


def _keep_turn(session: Session, turn: Turn) -> None:
    if not insert_row(session, turn):  # a delivery is taken in once
        raise RuntimeError("turn_kept_already")


def earlier_copy(session: Session, sender: Sender, text: str, at: datetime) -> Submission | None:
    """The open submission that began with exactly these words of the same sender within the last week."""
    query = (
        select(Submission)
        .join(Dialogue, Dialogue.submission_id == Submission.id)
        .where(Dialogue.channel == sender.channel, Dialogue.sender_digest == sender.digest)
        .where(Dialogue.state == "submitted", Dialogue.last_at >= at - COPY_WINDOW)
        .where(Dialogue.first_digest == sender.words_digest(normalise(text).text))
        .order_by(Dialogue.last_at.desc())
        .limit(1)
    )
    found = session.scalar(query)
    if found is None or found.withdrawn_at is not None or case_of(session, found).stage == "closed":
        return None
    return found


# --- the steps --------------------------------------------------------------------------------------------------------


def step(session: Session, sender: Sender, dialogue: Dialogue, text: str, at: datetime) -> Outcome:
    """Take a text as the answer to the question that waits, and ask the next."""
    if dialogue.first_digest == sender.words_digest(normalise(text).text) and dialogue.step != "about":
        return Outcome(text=question(session, dialogue, at))
    handler = {"place": _place, "more": _more, "confirm": _confirm}.get(dialogue.step, _about)
    return handler(session, sender, dialogue, text.strip(), at)


def question(session: Session, dialogue: Dialogue, at: datetime) -> str:
    """The question that waits, to be asked again."""
    if dialogue.step == "place":
        return answers.ask_place(_area_named(session, dialogue.body or "", at))
    if dialogue.step == "more":
        return answers.ask_more() if not _short(dialogue) else answers.ask_short(_known_place(session, dialogue, at))
    if dialogue.step == "confirm":
        place, files = _shown_place(session, dialogue, at), held.materials(session, dialogue)
        return answers.summary(dialogue.body or "", place, files, dialogue.disclosure)
    if dialogue.step == "unsure":
        return answers.which(_options(session, dialogue))
    return answers.material_first() if held.materials(session, dialogue) else answers.say_what()


def start_with(session: Session, sender: Sender, dialogue: Dialogue, text: str, at: datetime) -> Outcome:
    """The first words of substance; asks where, or in the short flow for place and additions together."""
    _first_words(sender, dialogue, text)
    return Outcome(text=question(session, dialogue, at))


def _first_words(sender: Sender, dialogue: Dialogue, text: str) -> None:
    dialogue.body, dialogue.parts = None, 0
    append(dialogue, text)
    dialogue.first_digest = sender.words_digest(normalise(text).text)
    has_place = bool(dialogue.place) or dialogue.position is not None
    dialogue.step = "more" if _short(dialogue) or has_place else "place"


def append(dialogue: Dialogue, text: str) -> None:
    """Add words to what the dialogue is about. Raises TooLong beyond what a dialogue may hold."""
    joined = f"{dialogue.body}\n{text}" if dialogue.body else text
    if len(joined) > BODY_MOST:
        raise TooLong(BODY_MOST)
    dialogue.disclosure = commands.disclosure_of(text) or dialogue.disclosure
    dialogue.body = joined
    dialogue.parts += 1


def take_place(session: Session, dialogue: Dialogue, place: Place, at: datetime) -> Outcome:
    """A position sent from the map; it answers where, whenever it comes."""
    dialogue.position, dialogue.datum = f"{place.latitude},{place.longitude}", place.datum
    dialogue.accuracy_m = place.accuracy
    if place.label:
        _set_place(dialogue, place.label)
    if dialogue.step == "place":
        dialogue.step = "more"
    return Outcome(text=question(session, dialogue, at))


def _about(session: Session, sender: Sender, dialogue: Dialogue, text: str, at: datetime) -> Outcome:
    if not commands.has_substance(text):
        return Outcome(text=question(session, dialogue, at))
    return start_with(session, sender, dialogue, text, at)


def _place(session: Session, sender: Sender, dialogue: Dialogue, text: str, at: datetime) -> Outcome:
    if not (commands.is_yes(text) or commands.is_no_more(text)):
        # A story told here is kept whole with the matter; the place is what is short enough to be one.
        if len(text) <= PLACE_MOST:
            _set_place(dialogue, text)
        else:
            append(dialogue, text)
    dialogue.step = "more"
    return Outcome(text=question(session, dialogue, at))


def _more(session: Session, sender: Sender, dialogue: Dialogue, text: str, at: datetime) -> Outcome:
    if commands.is_change(text):
        return _again(dialogue)
    if _short(dialogue):
        if commands.is_yes(text):
            return submit(session, sender, dialogue, at)
        if not commands.is_no_more(text):
            _join(session, dialogue, text, at)
        dialogue.step = "confirm"
        return Outcome(text=question(session, dialogue, at))
    if commands.is_no_more(text) or commands.is_yes(text):
        dialogue.step = "confirm"
        return Outcome(text=question(session, dialogue, at))
    append(dialogue, text)
    return Outcome(text=answers.noted_more())


def _confirm(session: Session, sender: Sender, dialogue: Dialogue, text: str, at: datetime) -> Outcome:
    if commands.is_yes(text):
        return submit(session, sender, dialogue, at)
    if commands.is_change(text):
        return _again(dialogue)
    if commands.is_no_more(text):  # nothing to add is no word yet that it may go out
        return Outcome(text=f"{answers.not_yet_submitted()}\n{question(session, dialogue, at)}")
    _join(session, dialogue, text, at)
    return Outcome(text=question(session, dialogue, at))


def _again(dialogue: Dialogue) -> Outcome:
    """Written anew: what was said before stays in the turns."""
    dialogue.step = "about"
    dialogue.place = dialogue.position = dialogue.accuracy_m = None
    return Outcome(text=answers.write_again())


def _join(session: Session, dialogue: Dialogue, text: str, at: datetime) -> None:
    """A further message of the same matter: its place when it reads like one and none is known, else more of it."""
    if not dialogue.place and _reads_like_place(session, dialogue, text, at):
        _set_place(dialogue, text)
    else:
        append(dialogue, text)


# Ends of the names of places.
_PLACE_MARKS = (
    "路", "街", "巷", "小区", "社区", "村", "镇", "乡", "花园", "大厦", "广场", "学校", "医院", "市场", "号楼", "栋",
)  # fmt: skip


def _reads_like_place(session: Session, dialogue: Dialogue, text: str, at: datetime) -> bool:
    if len(text) <= 60 and places.index_of(session, at).find(normalise(text).text) is not None:
        return True
    return len(text) <= 30 and dialogue.parts == 1 and any(mark in text for mark in _PLACE_MARKS)


def _set_place(dialogue: Dialogue, text: str) -> None:
    dialogue.place = text if not dialogue.place or text in dialogue.place else f"{dialogue.place}，{text}"


def _short(dialogue: Dialogue) -> bool:
    return dialogue.channel in _SHORT_FLOW


# --- handing in -------------------------------------------------------------------------------------------------------


def submit(
    session: Session, sender: Sender, dialogue: Dialogue, at: datetime, *, danger: str = "", actor: Actor = CITIZEN
) -> Outcome:
    """Hand the dialogue in, once; the answer holds number and query code."""
    done = hand_in(session, sender, dialogue, at, danger=danger, actor=actor)
    number = done.submission.number
    if done.case.danger:
        # No promise of days beside a call for help.
        text = f"{answers.danger_advice(done.case.danger)}\n{answers.submitted(number, done.code, None)}"
    else:
        text = answers.submitted(number, done.code, done.submission.promise_date)
    return Outcome(text=text, number=number)


def hand_in(
    session: Session, sender: Sender, dialogue: Dialogue, at: datetime, *, danger: str = "", actor: Actor = CITIZEN
) -> Submitted:
    """The submission of what the dialogue holds; the dialogue ends."""
    body = dialogue.body or ""
    text = prepare(title_of(body), body, dialogue.place or "")
    new = NewSubmission(
        origin=sender.channel, origin_key=f"dialogue.{dialogue.id}", channel=sender.channel,
        title=text.title, body=text.body, title_masked=text.title_masked, body_masked=text.body_masked,
        offsets=text.offsets, received_at=at, 
        reporter=sender.reporter("" if dialogue.disclosure == "anonymous" else own_phone(body)),
        place=text.place, place_masked=text.place_masked, area_id=find_area(places.index_of(session, at), text),
        position=dialogue.position or "", datum=dialogue.datum, disclosure=dialogue.disclosure,
        accuracy_m=dialogue.accuracy_m, extra=_extra(session, dialogue),
        danger=danger or words.danger(text.all_normal),
    )  # fmt: skip
    done = submissions.submit(session, actor, at, new)
    dialogue.state, dialogue.submission_id, dialogue.ended_at = "submitted", done.submission.id, at
    dialogue.ended_by_id = actor.account_id
    session.flush()
    return done


def _extra(session: Session, dialogue: Dialogue) -> dict[str, str]:
    lines = held.references(session, dialogue)
    return {"materials": "\n".join(lines)} if lines else {}


# --- what is known of the place ---------------------------------------------------------------------------------------


def _area_named(session: Session, text: str, at: datetime) -> str:
    """The name of the township or village that a text names, or empty: a whole city or county is no place to go to."""
    area_id = places.index_of(session, at).find(normalise(text).text)
    area = session.get(Area, area_id) if area_id else None
    return area.name if area and area.level in {"township", "village"} else ""


def _known_place(session: Session, dialogue: Dialogue, at: datetime) -> str:
    return dialogue.place or _area_named(session, dialogue.body or "", at)


def _shown_place(session: Session, dialogue: Dialogue, at: datetime) -> str:
    position = "已发送位置" if dialogue.position is not None else ""
    return _known_place(session, dialogue, at) or position


def _options(session: Session, dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(one.number, one.title_masked) for one in offered(session, dialogue)]


def offered(session: Session, dialogue: Dialogue) -> list[Submission]:
    """The submissions offered at the step "unsure", in the order in which they were."""
    found = (session.get(Submission, one) for one in dialogue.options)
    return [one for one in found if one is not None]
