"""What the outside hands over when somebody submits: plain values, nothing of HTTP or of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cases.models import Case, Submission


@dataclass(frozen=True)
class Reporter:
    """Who writes, as declared. `verified` names the kinds (phone, openid, email) that the channel itself proved."""

    name: str = ""
    phone: str = ""
    id_number: str = ""
    email: str = ""
    openid: str = ""
    address: str = ""
    kind: str = "person"
    verified: tuple[str, ...] = ()


@dataclass(frozen=True)
class PersonNamed:
    """Another person or organisation in the matter; `role` as in cases.models.Party."""

    role: str
    name: str = ""
    phone: str = ""
    organisation_id: int | None = None


@dataclass(frozen=True)
class FileGiven:
    """A file that is in the file store already, under `key`; `size` in bytes."""

    name: str
    kind: str
    media_type: str
    size: int
    sha256: str
    key: str


@dataclass(frozen=True)
class NewSubmission:
    """One request. `origin` and `origin_key` make a repeat one submission; texts come normalised and masked.

    `danger`: gas, fire, collapse, life, or empty. `extra`: values of fields that only this form asks, by code.
    `position`: degrees as "latitude,longitude", in `datum`.
    """

    origin: str
    origin_key: str
    channel: str
    title: str
    body: str
    title_masked: str
    body_masked: str
    received_at: datetime
    reporter: Reporter
    offsets: dict[str, Any] | None = None
    track: str = "hotline"
    source: str = "own"
    disclosure: str = "named"
    consent_publish: bool | None = None
    place: str = ""
    place_masked: str = ""
    area_id: int | None = None
    position: str = ""
    datum: str | None = None
    accuracy_m: float | None = None
    claimed_level1: str | None = None
    occurred_at: datetime | None = None
    parties: tuple[PersonNamed, ...] = ()
    files: tuple[FileGiven, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    form_version: str = "1"
    danger: str = ""
    draft: bool = False
    imported_at: datetime | None = None


@dataclass(frozen=True)
class Submitted:
    """The submission and its case. `code` is shown once and None for a repeat; `repeated`: it had come before."""

    submission: Submission
    case: Case
    code: str | None
    repeated: bool
