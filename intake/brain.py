"""The classifier in use: the shipped model, or the one that the newest ActiveModel row names.

Processes look at the row every few seconds and load what changed; each decision records the version that made it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.clock import Clock
from core.database import Database
from core.errors import Invalid
from core.logging import get_logger
from intake.models import ActiveModel
from organisations.people import Actor

log = get_logger(__name__)

LOOK_EVERY = timedelta(seconds=5)


class Suggested(Protocol):
    """What a classifier says of one text."""

    @property
    def category(self) -> tuple[str, str, str]: ...
    @property
    def nature(self) -> str: ...
    @property
    def urgent(self) -> bool: ...
    @property
    def danger(self) -> str: ...
    @property
    def sensitive(self) -> bool: ...
    @property
    def accusation(self) -> bool: ...
    @property
    def against_office(self) -> bool: ...
    @property
    def confidence(self) -> float: ...
    @property
    def confidences(self) -> tuple[float, float, float]: ...
    @property
    def confident(self) -> bool: ...
    @property
    def alternatives(self) -> Sequence[tuple[str, str, float]]: ...
    @property
    def evidence(self) -> Sequence[tuple[str, int, int, float]]: ...
    @property
    def is_text(self) -> bool: ...
    @property
    def version(self) -> str: ...


class Suggests(Protocol):
    """A loaded classifier."""

    def suggest(self, title: str, body: str) -> Suggested:
        """Category, nature and the rest of a text, by rule and model."""

    def suggest_many(self, rows: Iterable[tuple[str, str]]) -> Iterator[Suggested]:
        """The same of many (title, body), in their order."""


@dataclass(frozen=True)
class Thought:
    """What the classifier in use said; `threshold` is an administrator's in place of the model's own."""

    suggestion: Suggested
    threshold: float | None


class Brain:
    """Holds the classifier of this process. `load` makes one from a model file (None: the shipped one)."""

    def __init__(self, db: Database, clock: Clock, load: Callable[[Path | None], Suggests]) -> None:
        self._db, self._clock, self._load = db, clock, load
        self._lock = threading.Lock()
        self._looked_at: datetime | None = None
        self._read: tuple[str, datetime] | None = None
        self._classifier: Suggests | None = None
        self._threshold: float | None = None

    def think(self, title: str, body: str) -> Thought:
        """Ask the classifier in use about a masked text; outside any write session."""
        classifier, threshold = self._current()
        return Thought(classifier.suggest(title, body), threshold)

    def think_many(self, texts: Iterable[tuple[str, str]]) -> list[Thought]:
        """The same of many (title, body) at once, which costs a tenth a text."""
        classifier, threshold = self._current()
        return [Thought(said, threshold) for said in classifier.suggest_many(texts)]

    def _current(self) -> tuple[Suggests, float | None]:
        with self._lock:
            now = self._clock.now()
            if self._classifier is None or self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
                self._looked_at = now
                self._reload()
            if self._classifier is None:
                self._classifier = self._load(None)
            return self._classifier, self._threshold

    def _reload(self) -> None:
        """Load the model of the newest row; one that can't be loaded leaves the present one in use."""
        with self._db.read() as session:
            row = in_use(session)
        if row is None or (row.version, row.since) == self._read:
            return
        try:
            _check_file(Path(row.file), row.sha256)
            self._classifier, self._threshold = self._load(Path(row.file)), row.threshold
        except Exception as error:
            log.error("model_not_loaded", version=row.version, exc_info=error)
        self._read = row.version, row.since


def in_use(session: Session) -> ActiveModel | None:
    """The row of the model in use, or None while it is the shipped one."""
    return session.scalar(select(ActiveModel).order_by(ActiveModel.since.desc(), ActiveModel.id.desc()).limit(1))


def activate(
    session: Session,
    actor: Actor,
    at: datetime,
    *,
    version: str,
    file: Path,
    sha256: str,
    threshold: float | None = None,
) -> ActiveModel:
    """Put a trained model in use everywhere, with its own threshold of confidence or an administrator's.

    One that was in use before comes back in use from `at` on. Its categories are checked before (intake.trained).
    Raises Invalid for a wrong checksum or threshold, Forbidden.
    """
    actor.require("admin.catalogue")
    if threshold is not None and not 0 < threshold <= 1:
        raise Invalid({"threshold": "自动派单的把握请填 0 到 1 之间的数。"})
    _check_file(file, sha256)
    row = session.scalar(select(ActiveModel).where(ActiveModel.version == version)) or ActiveModel(version=version)
    row.sha256, row.file, row.threshold = sha256, str(file), threshold
    row.since, row.by_id = at, actor.account_id
    session.add(row)
    session.flush()
    audit.record(session, at=at, actor_id=actor.account_id, action="model_put_in_use", subject="model",
                 subject_id=row.id)  # fmt: skip
    return row


def _check_file(file: Path, sha256: str) -> None:
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise Invalid({"file": "模型文件不存在或校验和不符，请重新训练或上传。"})
