"""The one place that reads the time. Everything else takes a Clock, so that tests can say what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests and for importing the past.

    Raises ValueError for a naive datetime.
    """

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Move the clock to an aware datetime."""
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._at += by


def to_local(at: datetime) -> datetime:
    """An aware datetime as Asia/Shanghai shows it."""
    if at.tzinfo is None:
        raise ValueError("naive datetime")
    return at.astimezone(LOCAL)


def from_local(at: datetime) -> datetime:
    """A naive datetime that was meant in Asia/Shanghai, as aware UTC."""
    return at.replace(tzinfo=LOCAL).astimezone(UTC)
