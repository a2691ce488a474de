"""Identifiers: row ids, public ids, case numbers with a check digit, query codes."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime

from core.clock import Clock, SystemClock, to_local

_EPOCH_MS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)
_RANDOM_BITS = 22
# No 0/O, 1/l/I, and no vowels: nothing to misread, no words by accident.
_PUBLIC_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"


_last = 0
_last_lock = threading.Lock()


def new_id(clock: Clock | None = None) -> int:
    """A 63-bit row id that sorts by time: 41 bits of milliseconds since 2020, 22 random bits.

    Within one millisecond a process counts on from its last id by a random step, so that the many rows of one change
    never meet and keep their order.
    """
    global _last
    now = (clock or SystemClock()).now()
    ms = max(0, int(now.timestamp() * 1000) - _EPOCH_MS)
    with _last_lock:
        if ms == _last >> _RANDOM_BITS:
            _last += 1 + secrets.randbelow(64)
        else:
            # Half of the random range is left free for counting on.
            _last = (ms << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
        return _last


def public_id(length: int = 12) -> str:
    """A random id for a public address; it tells nothing and is no credential."""
    return "".join(secrets.choice(_PUBLIC_ALPHABET) for _ in range(length))


def token() -> str:
    """A secret of 256 bits for a link or a session, safe in an address."""
    return secrets.token_urlsafe(32)


def check_digit(digits: str) -> str:
    """The ISO 7064 MOD 11,10 check digit of a string of digits."""
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def new_number(at: datetime) -> str:
    """A number to give a citizen: year, month, day of receipt (Shanghai), six random digits, a check digit."""
    head = to_local(at).strftime("%y%m%d") + f"{secrets.randbelow(1_000_000):06d}"
    return head + check_digit(head)


def number_ok(number: str) -> bool:
    """Whether this is thirteen digits with the right check digit."""
    return len(number) == 13 and number.isascii() and number.isdigit() and check_digit(number[:-1]) == number[-1]


def clean_number(text: str) -> str | None:
    """The number in what a person typed (spaces and dashes allowed), or None when it can't be one."""
    digits = text.translate(str.maketrans("０１２３４５６７８９", "0123456789", " -－—\u3000"))
    return digits if number_ok(digits) else None


def grouped(number: str) -> str:
    """A number in groups for reading aloud: 261124 123 4567."""
    return f"{number[:6]} {number[6:9]} {number[9:]}" if len(number) == 13 else number


def new_query_code() -> str:
    """Eight random digits that, with the number, show a submission's progress."""
    return f"{secrets.randbelow(100_000_000):08d}"
