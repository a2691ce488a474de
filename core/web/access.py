"""Who may use a route: every view says so with one of these decorators, and core/web/setup refuses what does not.

A view without a mark is a mistake: it answers 500 in production and fails tests/test_conventions.py before that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import flask

View = TypeVar("View", bound=Callable[..., Any])
Kind = Literal["public", "provider", "staff", "signed_in", "operations"]


@dataclass(frozen=True)
class Access:
    """Who may use a view. `permissions`: for staff, any one of these is enough."""

    kind: Kind
    permissions: tuple[str, ...] = ()


def _mark(view: View, access: Access) -> View:
    view.__access__ = access  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Everybody."""
    return _mark(view, Access("public"))


def provider(view: View) -> View:
    """A provider's machine, which proves itself by a signature over the raw bytes; no form token is asked."""
    return _mark(view, Access("provider"))


def operations(view: View) -> View:
    """Monitoring: answers for itself whom it trusts; no session, no form token."""
    return _mark(view, Access("operations"))


def signed_in(view: View) -> View:
    """Any member of staff who is signed in."""
    return _mark(view, Access("signed_in"))


def staff(*permissions: str) -> Callable[[View], View]:
    """Staff who hold any one of these permissions."""
    if not permissions:
        raise ValueError("name at least one permission")
    return lambda view: _mark(view, Access("staff", permissions))


def takes_files(view: View) -> View:
    """A view whose form may carry attachments: the larger limit on a request's size holds for it."""
    view.__takes_files__ = True  # type: ignore[attr-defined]
    return view


def access_of(app: flask.Flask, endpoint: str) -> Access | None:
    """The mark of an endpoint's view; Flask's own static files are public."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return Access("public")
    return getattr(app.view_functions[endpoint], "__access__", None)
