"""A request whose arguments and form fields can be stored: without the character 0, which PostgreSQL's texts refuse."""

from __future__ import annotations

from typing import Any

import flask
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

_NUL = "\0"


class PlainRequest(flask.Request):
    """What Flask hands to a view. The raw bytes, which signatures are reckoned over, stay as they came."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The arguments of the address."""
        return _without_nul(super().args)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        self.__dict__["form"] = _without_nul(self.__dict__["form"])


def _without_nul(given: MultiDict[str, str]) -> MultiDict[str, str]:
    pairs: list[tuple[str, Any]] = list(given.items(multi=True))
    if not any(_NUL in name or _NUL in value for name, value in pairs):
        return given
    return ImmutableMultiDict([(name.replace(_NUL, ""), value.replace(_NUL, "")) for name, value in pairs])
