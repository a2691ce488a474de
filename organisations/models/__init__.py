"""The records of who works where and of the rows that administrators change; every model is imported from here."""

from __future__ import annotations

from organisations.models.accounts import (
    Account,
    Authenticator,
    ExternalSubject,
    Post,
    ResetLink,
    RoleGrant,
    SignInAttempt,
    WebSession,
)
from organisations.models.catalogue import CatalogueCoHandler, CatalogueRow, CatalogueVersion
from organisations.models.places import Area, AreaAlias, Organisation, OrganisationAlias, OrganisationLink
from organisations.models.rules import Ground, OfficeHours, RolePolicy, Term, WorkingDay

__all__ = [
    "Account",
    "Area",
    "AreaAlias",
    "Authenticator",
    "CatalogueCoHandler",
    "CatalogueRow",
    "CatalogueVersion",
    "ExternalSubject",
    "Ground",
    "OfficeHours",
    "Organisation",
    "OrganisationAlias",
    "OrganisationLink",
    "Post",
    "ResetLink",
    "RoleGrant",
    "RolePolicy",
    "SignInAttempt",
    "Term",
    "WebSession",
    "WorkingDay",
]
