"""How much time is left, as the `due` macro shows it: working hours and minutes under a day, else working days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from cases.models import CaseClock
from core.web.filters import stamp
from organisations.calendar import WorkingCalendar

_USUAL_DAY = 420


@dataclass(frozen=True)
class Stretch:
    """From when to when something may take; `elapsed`: by the clock on the wall, not by office hours."""

    started_at: datetime | None
    due_at: datetime | None
    elapsed: bool = False


def day_minutes(calendar: WorkingCalendar) -> int:
    """The minutes of an ordinary working day of a calendar."""
    spans = calendar.hours.get(None) or next(iter(calendar.hours.values()), ())
    minutes = sum((e.hour * 60 + e.minute) - (s.hour * 60 + s.minute) for s, e in spans)
    return minutes or _USUAL_DAY


def words(minutes: int, day: int) -> str:
    """3 小时 20 分, or 1.5 个工作日 from one working day on. Minutes count as given, never negative."""
    minutes = abs(minutes)
    if minutes < 60:
        return str(_("%(m)s 分", m=minutes))
    if minutes < day:
        hours, rest = divmod(minutes, 60)
        return str(_("%(h)s 小时 %(m)s 分", h=hours, m=f"{rest:02d}") if rest else _("%(h)s 小时", h=hours))
    days = f"{minutes / day:.1f}".removesuffix(".0")
    return str(_("%(d)s 个工作日", d=days))


def elapsed_words(minutes: int) -> str:
    """The same by the clock on the wall: minutes, hours, days."""
    minutes = abs(minutes)
    if minutes < 60:
        return str(_("%(m)s 分", m=minutes))
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return str(_("%(h)s 小时 %(m)s 分", h=hours, m=f"{rest:02d}") if rest else _("%(h)s 小时", h=hours))
    return str(_("%(d)s 天", d=f"{minutes / 1440:.1f}".removesuffix(".0")))


def left(calendar: WorkingCalendar, at: datetime, stretch: Stretch, *, word: str | None = None) -> dict[str, Any]:
    """The arguments of the `due` macro for something that runs; {} without a due time."""
    if stretch.due_at is None:
        return {}
    day = day_minutes(calendar)
    minutes = _between(calendar, at, stretch.due_at, stretch.elapsed)
    said = elapsed_words(minutes) if stretch.elapsed else words(minutes, day)
    if stretch.due_at <= at:
        return {"kind": "late", "text": said, "used": 100} | ({"word": _("%(what)s超期", what=word)} if word else {})
    total = _between(calendar, stretch.started_at, stretch.due_at, stretch.elapsed) if stretch.started_at else 0
    shown: dict[str, Any] = {"kind": "near" if _is_near(minutes, total, day) else "run", "text": said}
    if word:
        shown["word"] = _("%(what)s剩", what=word)
    if total > 0:
        shown["used"] = max(0, min(100, 100 - 100 * minutes / total))
    if not stretch.elapsed and minutes < day:
        shown |= _counted(calendar, at, stretch.due_at, minutes)
    return shown


def held(since: datetime | None) -> dict[str, Any]:
    """The arguments of the `due` macro for something that stands still."""
    return {"kind": "hold", "text": _("自 %(at)s", at=stamp(since)) if since else ""}


def done(in_time: bool | None, ended_at: datetime | None) -> dict[str, Any]:
    """The arguments of the `due` macro for something that ended."""
    if in_time is False:
        return {"kind": "late", "word": _("超期完成"), "text": stamp(ended_at)}
    return {"kind": "done", "word": _("按时完成") if in_time else _("已结束"), "text": stamp(ended_at)}


def of_clock(calendar: WorkingCalendar, at: datetime, clock: CaseClock, *, word: str | None = None) -> dict[str, Any]:
    """The arguments of the `due` macro for one clock, whatever its state; `word`: what a running one is for."""
    if clock.ended_at is not None:
        return done(clock.ended_at <= clock.due_at, clock.ended_at)
    if clock.paused_at is not None:
        return held(clock.paused_at)
    elapsed = clock.unit in ("calendar_days", "elapsed_minutes")
    return left(calendar, at, Stretch(clock.started_at, clock.due_at, elapsed), word=word)


def _between(calendar: WorkingCalendar, start: datetime, end: datetime, elapsed: bool) -> int:
    if elapsed:
        return int((end - start) / timedelta(minutes=1))
    return calendar.working_minutes_between(start, end)


def _is_near(minutes: int, total: int, day: int) -> bool:
    """A quarter of the time left, or two working days of a longer limit."""
    return (total > 0 and minutes * 4 <= total) or (minutes <= 2 * day and total >= 4 * day)


def _counted(calendar: WorkingCalendar, at: datetime, due_at: datetime, minutes: int) -> dict[str, Any]:
    """What the page's minute count needs: minutes left and the end of the present stretch of working time."""
    if not calendar.is_working_time(at):
        return {}
    run = 1
    while run < minutes and calendar.is_working_time(at + timedelta(minutes=run)):
        run += 1
    return {"left": minutes, "until": min(at + timedelta(minutes=run), due_at).isoformat()}
