"""Whether a text is Chinese enough to be judged at all."""

from __future__ import annotations

import unicodedata

LEAST_HAN = 6
LATIN_PER_WORD = 4


def is_text(title: str, body: str, han: int) -> bool:
    """Whether there are at least six Han characters (`han` are counted) and they outweigh other writing.

    Pinyin, other languages (Japanese among them: kana count one for one) and greetings of a few characters are none,
    and are never decided without a person.
    """
    if han < LEAST_HAN:
        return False
    if han * 2 >= len(title) + len(body):
        return True
    latin = others = 0
    for char in title + body:
        if char.isascii():
            latin += char.isalpha()
        elif unicodedata.category(char)[0] == "L" and not "\u3400" <= char <= "\u9fff":
            others += 1
    return han >= others + latin / LATIN_PER_WORD
