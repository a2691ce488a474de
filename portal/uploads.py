"""Files of a citizen's form: judged, kept sealed in the file store, and named in the form by a sealed token.

So a valid file survives another field's error, and the step between writing and sending.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import flask

from cases.operations.inputs import FileGiven
from core.crypto import CannotOpen, ring
from core.errors import Invalid
from core.files import FileStore
from core.uploads import MAX_FILES, inspect
from core.web.parts import part

_WHERE = "portal:file"
FIELD, TOKEN = "files", "file_token"


@dataclass(frozen=True)
class Kept:
    """A file in the store, and the token that names it in the form."""

    file: FileGiven
    token: str


@dataclass(frozen=True)
class Taken:
    """The files of the form in hand: all that are kept, those among them that are new, and what was wrong."""

    kept: tuple[Kept, ...]
    new_keys: tuple[str, ...] = ()
    error: str = ""

    @property
    def files(self) -> tuple[FileGiven, ...]:
        """As operations take them."""
        return tuple(one.file for one in self.kept)


def token_of(file: FileGiven) -> str:
    """The sealed token of a file that is in the store."""
    return ring().seal(json.dumps(asdict(file), ensure_ascii=False), _WHERE)


def take(remove: str = "") -> Taken:
    """The files of the form in hand: those kept before, without the one at place `remove`, and the new ones."""
    kept = [one for place, one in enumerate(_before()) if str(place) != remove]
    sentences: list[str] = []
    new: list[str] = []
    for name, data in _sent():
        if len(kept) >= MAX_FILES:
            sentences.append(f"最多 {MAX_FILES} 个文件，“{name}”没有收下。")
            continue
        try:
            found = inspect(name, data)
        except Invalid as error:
            sentences.append(error.fields["files"])
            continue
        stored = part(FileStore).put(found.data, original=found.original)
        file = FileGiven(found.name, found.kind, found.media_type, stored.size, stored.sha256, stored.key)
        kept.append(Kept(file, token_of(file)))
        new.append(stored.key)
    return Taken(tuple(kept), tuple(new), " ".join(sentences))


def forget(keys: Sequence[str]) -> None:
    """Remove files that nothing will name: of a form that had been sent before."""
    for key in keys:
        part(FileStore).delete(key)


def _before() -> list[Kept]:
    kept = []
    for token in flask.request.form.getlist(TOKEN)[:MAX_FILES]:
        try:
            kept.append(Kept(FileGiven(**json.loads(ring().open(token, _WHERE))), token))
        except (CannotOpen, ValueError, TypeError):
            continue
    return kept


def _sent() -> list[tuple[str, bytes]]:
    sent = [(file.filename or "", file.read()) for file in flask.request.files.getlist(FIELD)]
    return [(name, data) for name, data in sent if name or data]
