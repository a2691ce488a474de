"""Documents as plain values, and how they become tokens. Only masked text and published replies may stand in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from core.clock import to_local
from search.engine import IndexedDocument
from search.tokens import fold, sounds, tokens

TITLE_WEIGHT = 3
LONGEST = 20_000
"""Characters of a text that are indexed."""


@dataclass(frozen=True)
class ReplyDocument:
    """A published reply; `question` and `reply` are the released, masked texts. Times are aware."""

    public_id: str
    title: str
    question: str
    reply: str
    category1: str = ""
    category2: str = ""
    organisation_code: str = ""
    organisation_name: str = ""
    area_code: str = ""
    published_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    version: int = 1

    def indexed(self) -> IndexedDocument:
        """As engines take it."""
        values = {
            "category1": self.category1,
            "category2": self.category2,
            "organisation": self.organisation_code,
            "area": self.area_code,
            "year": str(to_local(self.published_at).year),
        }
        return _indexed(
            self.public_id, self.version, self.title, [self.question, self.reply], values, self.published_at
        )


@dataclass(frozen=True)
class CaseDocument:
    """A case for staff: masked text, and the organisations that may see it (checked again on loading)."""

    case_id: str
    number: str
    title: str
    text: str
    organisation_codes: tuple[str, ...] = ()
    state: str = ""
    category1: str = ""
    category2: str = ""
    area_code: str = ""
    received_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    version: int = 1

    def indexed(self) -> IndexedDocument:
        """As engines take it."""
        values: dict[str, str | tuple[str, ...]] = {
            "number": self.number,
            "organisation": self.organisation_codes,
            "state": self.state,
            "category1": self.category1,
            "category2": self.category2,
            "area": self.area_code,
            "year": str(to_local(self.received_at).year),
        }
        return _indexed(self.case_id, self.version, self.title, [self.text], values, self.received_at)


def _indexed(
    id: str,
    version: int,
    title: str,
    texts: list[str],
    values: dict[str, str] | dict[str, str | tuple[str, ...]],
    at: datetime,
) -> IndexedDocument:
    folded_title = fold(title[:LONGEST])
    folded = [fold(text[:LONGEST]) for text in texts]
    bag = tokens(folded_title) * TITLE_WEIGHT
    for text in folded:
        bag.extend(tokens(text))
    keywords = {
        name: tuple(filter(None, (value,) if isinstance(value, str) else value)) for name, value in values.items()
    }
    day = int(at.timestamp() // 86_400)
    return IndexedDocument(
        id, version, " ".join(bag), tuple(sorted(sounds("\n".join([folded_title, *folded])))), keywords, day
    )
