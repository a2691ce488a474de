"""Small helps that several adapters need: texts that fit into XML and into a provider's limit."""

from __future__ import annotations

import re

# What XML 1.0 has no place for (production [2] Char).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CUT = "\n……\n"


def xml_safe(text: str) -> str:
    """The text without characters that XML 1.0 can't hold, so that no parser refuses the reply."""
    return _NOT_XML.sub("", text)


def fit_bytes(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8.

    What is too long loses its middle: the summary stands there, while number and code stand at either end.
    """
    if len(text.encode()) <= limit:
        return text
    room = limit - len(_CUT.encode())
    head = text.encode()[: room // 2].decode(errors="ignore")
    tail = text.encode()[-(room - room // 2) :].decode(errors="ignore")
    return head + _CUT + tail


def pieces(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` characters, split after a line where one ends in the second half."""
    found = []
    while len(text) > limit:
        at = text.rfind("\n", limit // 2, limit) + 1 or limit
        found.append(text[:at])
        text = text[at:]
    return [*found, text] if text else found
