"""Traditional to simplified, character by character, so that lengths agree."""

from __future__ import annotations

from functools import lru_cache

from opencc import OpenCC

_converter = OpenCC("t2s")


@lru_cache(maxsize=20_000)
def _one(character: str) -> str:
    out = str(_converter.convert(character))
    return out if len(out) == 1 else character


def simplified(text: str) -> str:
    """The text in simplified characters, of the same length."""
    return "".join(map(_one, text))
