"""The form in hand, read strictly: what a step needs is there and makes sense, or Invalid says which field to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from classifier import taxonomy
from core.errors import Invalid
from core.web.forms import whole

LONGEST = 20_000


@dataclass(frozen=True)
class Typed:
    """What was typed, by field name."""

    values: MultiDict[str, str] = field(default_factory=MultiDict)

    def text(self, name: str) -> str:
        """A text, trimmed; "" when nothing was typed. Raises Invalid beyond LONGEST characters."""
        said = self.values.get(name, "").strip()
        if len(said) > LONGEST:
            raise Invalid({name: _("最多 %(n)s 字，请精简后再提交。", n=f"{LONGEST:,}")})
        return said

    def needed(self, name: str, sentence: str) -> str:
        """A text that must be there. Raises Invalid."""
        said = self.text(name)
        if not said:
            raise Invalid({name: sentence})
        return said

    def number(self, name: str, least: int = 1, most: int = 2**63 - 1) -> int | None:
        """A whole number; None when nothing was typed. Raises Invalid when it is none or out of bounds."""
        said = self.text(name)
        if not said:
            return None
        number = whole(said, least, most)
        if number is None:
            raise Invalid({name: _("请填写 %(a)s 到 %(b)s 之间的整数。", a=least, b=most)})
        return number

    def row(self, name: str, sentence: str) -> int:
        """The id of a row that must be chosen. Raises Invalid."""
        number = whole(self.values.get(name), 1)
        if number is None:
            raise Invalid({name: sentence})
        return number

    def row_or_none(self, name: str) -> int | None:
        """The id of a row that may be chosen."""
        return whole(self.values.get(name), 1)

    def rows(self, name: str) -> tuple[int, ...]:
        """The ids of the rows that are ticked, each once."""
        numbers = [whole(value, 1) for value in self.values.getlist(name)]
        return tuple(dict.fromkeys(number for number in numbers if number is not None))

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.values.get(name, "") in ("1", "on", "yes", "true")

    def choice(self, name: str, allowed: Mapping[str, object] | tuple[str, ...], sentence: str) -> str:
        """One of the allowed words. Raises Invalid."""
        said = self.text(name)
        if said not in allowed:
            raise Invalid({name: sentence})
        return said

    def category(self, name: str) -> tuple[str, str, str]:
        """Three levels from "一级|二级|三级". Raises Invalid when none was chosen, or one that there is not."""
        levels = self.text(name).split("|")
        if len(levels) != 3 or not levels[0]:
            raise Invalid({name: _("请选择内容分类。")})
        if not taxonomy.shipped().has(*levels):
            raise Invalid({name: _("没有这个内容分类，请重新选择。")})
        return levels[0], levels[1], levels[2]

    def reason(self, code: str = "reason_code", text: str = "reason") -> str:
        """A reason: the chosen word of the dictionary, what was typed, or both. Raises Invalid when neither."""
        parts = [part for part in (self.text(code), self.text(text)) if part]
        if not parts:
            raise Invalid({text: _("请选择或填写理由。")})
        return "：".join(parts)
