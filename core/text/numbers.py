"""Numbers that name a person: telephones, identity numbers, bank cards. Checked, written one way, shown in part."""

from __future__ import annotations

import re
from datetime import date

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_BETWEEN = re.compile("[\\s()\\-‐-―−.·\u200b-\u200f\u2060\ufeff]")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0(?:10|2\d|[3-9]\d{2})[2-9]\d{6,7}")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|[xX#])\s*\d{1,6}$|(?<=\d{7})-\d{1,5}$")
_PROVINCES = frozenset(
    str(code)
    for codes in (range(11, 16), range(21, 24), range(31, 38), range(41, 47), range(50, 55), range(61, 66))
    for code in codes
) | {"71", "81", "82", "83", "91"}


def half_width(text: str) -> str:
    """Full-width letters, figures and marks as ASCII, one for one."""
    return text.translate(_WIDE)


def normal_phone(text: str) -> str | None:
    """A Chinese mobile, or landline with area code, as +86 and the national number; None for anything else.

    Takes +86 and 0086, spaces, dashes, brackets and full-width figures; an extension is left off.
    """
    if len(text) > 64:
        return None
    digits = _BETWEEN.sub("", _EXTENSION.sub("", half_width(text).strip()))
    for prefix in ("+86", "0086"):
        if digits.startswith(prefix):
            digits = digits[len(prefix) :]
            # Written as dialled from abroad a landline has lost its 0.
            if not digits.startswith(("0", "1")) or (digits.startswith("10") and len(digits) == 10):
                digits = "0" + digits
            break
    else:
        if len(digits) == 13 and digits.startswith("861"):
            digits = digits[2:]
    if not digits.isascii():
        return None
    if _MOBILE.fullmatch(digits):
        return "+86" + digits
    return "+86" + digits[1:] if _LANDLINE.fullmatch(digits) else None


def phone_ok(text: str) -> bool:
    """Whether this is a Chinese mobile, or a landline with its area code."""
    return normal_phone(text) is not None


def phone_display(number: str) -> str:
    """A telephone shown in part: 138****2607, 0513****5678; short ones lose all but two figures."""
    digits = _BETWEEN.sub("", half_width(number))
    if normal := normal_phone(number):
        national = normal[3:]
        digits = national if _MOBILE.fullmatch(national) else "0" + national
    head = 4 if digits.startswith("0") and not digits.startswith(("010", "02")) else 3
    if len(digits) >= head + 7:
        return f"{digits[:head]}****{digits[-4:]}"
    return "*" * max(0, len(digits) - 2) + digits[-2:] if len(digits) > 4 else "*" * len(digits)


def id_number_ok(number: str) -> bool:
    """Whether this is a citizen's identity number by GB 11643-1999: province, birth date, ISO 7064 MOD 11-2 check."""
    number = half_width(number).strip().upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number) or not birth_plausible(number):
        return False
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17]


def birth_plausible(number: str) -> bool:
    """Whether an 18-figure number begins with a province and holds a birth date, or a 15-figure one of before 1999."""
    born = "19" + number[6:12] if len(number) == 15 else number[6:14]
    if number[:2] not in _PROVINCES or not "1850" <= born[:4] <= "2099":
        return False
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:8]))
    except ValueError:
        return False
    return True


def luhn_ok(digits: str) -> bool:
    """Whether a card number passes the Luhn check (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
