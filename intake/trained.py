"""A trained model put in use: looked through, copied into the data folder, and then named as the one in force."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy import select

from classifier.model import Classifier
from classifier.taxonomy import Taxonomy, read_taxonomy
from core.database import Database
from core.errors import Invalid
from intake.brain import activate
from intake.models import ActiveModel
from organisations.people import Actor

FOLDER = "models"  # in the data folder
_SHOWN = 5


def use(
    db: Database,
    data_dir: Path,
    actor: Actor,
    at: datetime,
    file: Path,
    *,
    threshold: float | None = None,
    taxonomy: Taxonomy | None = None,
) -> ActiveModel:
    """Put a model file that training wrote (its checksum beside it) in use everywhere; gives its row.

    The file is copied, so that it stays when a training writes over it. Raises DamagedModel when it is not as it was
    written, Invalid for categories that the hub does not know, a wrong checksum or threshold, Forbidden.
    """
    actor.require("admin.catalogue")
    model = Classifier.load(file)
    check_categories(model.parts.taxonomy, model.parts.fifteen.classes, taxonomy or read_taxonomy())
    kept = _keep(data_dir / FOLDER, model.version, file)
    with db.write() as session:
        return activate(
            session, actor, at, version=model.version, file=kept, threshold=threshold,
            sha256=hashlib.sha256(kept.read_bytes()).hexdigest(),
        )  # fmt: skip


def check_categories(own: Taxonomy, level1: Iterable[str], known: Taxonomy) -> None:
    """Raises Invalid naming the categories of a model, and the first-level names it chooses among, that are unknown."""
    ours = {part for path in known.paths for part in (path, (*path[:2], ""), (path[0], "", ""))}
    paths = dict.fromkeys([*own.paths, *((name, "", "") for name in level1)])
    unknown = [" › ".join(part for part in path if part) for path in paths if path not in ours]
    if unknown:
        named = "、".join(unknown[:_SHOWN]) + ("……" if len(unknown) > _SHOWN else "")
        sentence = _(
            "模型里有 %(count)s 个分类不在本系统的分类表中：%(named)s。请按本系统的分类表重新训练。",
            count=len(unknown),
            named=named,
        )
        raise Invalid({"file": sentence})


def past(db: Database, limit: int = 20) -> list[ActiveModel]:
    """The models that were put in use, the one in force first; none: the shipped one is in use."""
    with db.read() as session:
        query = select(ActiveModel).order_by(ActiveModel.since.desc(), ActiveModel.id.desc())
        return list(session.scalars(query.limit(limit)))


def _keep(folder: Path, version: str, file: Path) -> Path:
    """A copy of the model and its checksum in the data folder, under its version."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{version}{file.suffix}"
    if file.absolute() != kept.absolute():
        shutil.copyfile(file.with_suffix(".json"), kept.with_suffix(".json"))
        shutil.copyfile(file, kept)
    return kept.absolute()
