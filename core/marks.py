"""What a database has to be known by: notes by name, such as that the demonstration is in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import ids
from core.database import Base


class Mark(Base):
    """One note, its latest value and when it was written."""

    __tablename__ = "marks"
    __table_args__ = (UniqueConstraint("name"),)

    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


def put(session: Session, name: str, value: str, at: datetime) -> None:
    """Write a note in place of the earlier one of that name."""
    row = session.scalar(select(Mark).where(Mark.name == name).with_for_update())
    if row is None:
        session.add(Mark(id=ids.new_id(), name=name, value=value, at=at))
    else:
        row.value, row.at = value, at
    session.flush()


def get(session: Session, name: str) -> str:
    """The note's value; "" when there is none."""
    return session.scalar(select(Mark.value).where(Mark.name == name)) or ""
