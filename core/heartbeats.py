"""That a process is alive and has work: a row by name, written when it looks at its queue."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from core import ids
from core.database import Base, Database

EVERY = timedelta(seconds=10)
SILENT_AFTER = timedelta(seconds=90)


class Heartbeat(Base):
    """When a process was last seen at work."""

    __tablename__ = "heartbeats"
    __table_args__ = (UniqueConstraint("name"),)

    name: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


def beat(db: Database, name: str, at: datetime) -> None:
    """Note that a process is at work; at most one write in ten seconds."""
    with db.read() as session:
        row = session.scalar(select(Heartbeat).where(Heartbeat.name == name))
    if row is not None and at - row.at < EVERY:
        return
    with db.write() as session:
        kept = session.scalar(select(Heartbeat).where(Heartbeat.name == name).with_for_update())
        if kept is None:
            session.add(Heartbeat(id=ids.new_id(), name=name, at=at))
        else:
            kept.at = max(kept.at, at)


def silent(db: Database, names: tuple[str, ...], now: datetime) -> list[str]:
    """Which of these processes were not seen for a minute and a half."""
    with db.read() as session:
        seen = dict(session.execute(select(Heartbeat.name, Heartbeat.at)).tuples().all())
    return [name for name in names if name not in seen or now - seen[name] > SILENT_AFTER]


def forget(db: Database) -> None:
    """Before the processes start: what an earlier run left says nothing about this one."""
    with db.write() as session:
        session.execute(delete(Heartbeat))
