"""The form of a call: what was typed, field by field, and as intake takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import flask

from core.text.numbers import id_number_ok, normal_phone
from core.web.forms import moment_of, token_of, typed, whole
from intake.forms import CallForm

LONGEST = 20_000
LONGEST_CALL = timedelta(hours=12)
MOST_USED = 5
SCORES = {"1", "2", "3", "4", "5"}
YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True)
class Call:
    """One call as it stands in the form. `started` None: nobody is on the line yet.

    `earlier` the submission it is about; `lead` another organisation than the suggested one; `used` the public ids of
    replies that were read out; `dialogue` the left dialogue that is followed up.
    """

    token: str
    started: datetime | None = None
    number: str = ""
    channel: str = "hotline"
    kind: str = "new"
    earlier: str = ""
    body: str = ""
    title: str = ""
    area: str = ""
    place: str = ""
    name: str = ""
    phone: str = ""
    id_number: str = ""
    who: str = ""
    disclosure: str = "named"
    consent: str = ""
    track: str = "hotline"
    flag: str = ""
    callback_person: str = ""
    callback_phone: str = ""
    callback_due: str = ""
    lead: str = ""
    answer: str = ""
    used: tuple[str, ...] = ()
    words: str = ""
    contacted: str = ""
    resolved: str = ""
    score: str = ""
    comment: str = ""
    dialogue: str = ""

    @property
    def earlier_id(self) -> int | None:
        """The id of the submission that it is about."""
        return whole(self.earlier, 1)

    @property
    def lead_id(self) -> int | None:
        """The id of the organisation that the agent would rather have."""
        return whole(self.lead, 1)

    @property
    def dialogue_id(self) -> int | None:
        """The id of the dialogue that is followed up."""
        return whole(self.dialogue, 1)

    @property
    def due(self) -> datetime | None:
        """When to call back by, if the agent promised a time."""
        return moment_of(self.callback_due)

    @property
    def caller(self) -> str:
        """The telephone that was typed as the caller's; "" when it is an identity number or that of a submission."""
        return self.number if normal_phone(self.number) else ""

    @property
    def anonymous(self) -> bool:
        """Whether the caller's name is to be kept nowhere."""
        return self.disclosure == "anonymous"

    @property
    def back_to(self) -> str:
        """The telephone to call back: the one given for it, else the caller's."""
        return self.callback_phone or self.phone or self.caller

    def form(self, extra: dict[str, str]) -> CallForm:
        """As intake takes it."""
        rang = self.channel == "hotline"  # only then the exchange vouches for the number
        # Of somebody anonymous the matter keeps a telephone only where they chose to leave one.
        caller = "" if self.anonymous else self.caller
        return CallForm(
            body=self.body, title=self.title, number=caller if rang else "", name=self.name,
            phone=self.phone or ("" if rang else caller),
            id_number=self.id_number or (self.number if id_number_ok(self.number) else ""),
            area_id=whole(self.area, 1), place=self.place, who=self.who, disclosure=self.disclosure,
            consent_publish=YES_NO.get(self.consent), track=self.track, channel=self.channel, extra=extra,
        )  # fmt: skip


def from_request(at: datetime) -> Call:
    """The form in hand."""
    return Call(
        token=token_of(flask.request.form), started=_started(at), number=typed("number", 60),
        channel=typed("channel", 20) or "hotline", kind=typed("kind", 20) or "new", earlier=typed("earlier", 20),
        body=typed("body", LONGEST), title=typed("title", 200), area=typed("area", 20), place=typed("place", 500),
        name=typed("name", 200), phone=typed("phone", 60), id_number=typed("id_number", 40), who=typed("who", 500),
        disclosure=typed("disclosure", 20) or "named", consent=typed("consent", 5),
        track=typed("track", 20) or "hotline", flag=typed("flag", 20), callback_person=typed("callback_person", 100),
        callback_phone=typed("callback_phone", 60), callback_due=typed("callback_due", 30), lead=typed("lead", 20),
        answer=typed("answer", LONGEST), used=_used(), words=typed("words", 200), contacted=typed("contacted", 5),
        resolved=typed("resolved", 5), score=typed("score", 2), comment=typed("comment", 2_000),
        dialogue=typed("dialogue", 20),
    )  # fmt: skip


def _started(at: datetime) -> datetime | None:
    """When the call began, as the page was told; nothing that is not of the last hours."""
    try:
        began = datetime.fromisoformat(typed("started", 40))
    except ValueError:
        return None
    return began if began.tzinfo is not None and at - LONGEST_CALL <= began <= at else None


def _used() -> tuple[str, ...]:
    given = [one.strip() for one in flask.request.form.getlist("used")]
    return tuple(dict.fromkeys(one for one in given if one.isalnum() and len(one) <= 20))[:MOST_USED]
