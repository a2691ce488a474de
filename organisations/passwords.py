"""Passwords: what is good enough, hashing (argon2id) and checking in equal time."""

from __future__ import annotations

import secrets
import string
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from organisations.errors import Invalid

MIN_LENGTH = 10
_MAX_LENGTH = 200
# OWASP's second recommended setting: 19 MiB, so that twenty sign-ins at once fit into a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_COMMON = frozenset(
    [
        "1234567890",
        "0123456789",
        "12345678901",
        "123456789a",
        "a123456789",
        "qwertyuiop",
        "password12",
        "password123",
        "password1234",
        "1q2w3e4r5t",
        "qwerty1234",
        "qwerty12345",
        "admin12345",
        "admin123456",
        "woaini1314",
        "woaini520520",
        "1122334455",
        "1111111111",
        "0000000000",
        "8888888888",
        "6666666666",
        "aaaaaaaaaa",
        "abcdefghij",
        "abcd123456",
        "abc1234567",
        "iloveyou12",
        "welcome123",
        "letmein123",
        "administrator",
        "zhengfu12345",
        "rexian12345",
        "lianxin12345",
        "changeme123",
        "p@ssw0rd12",
        "p@ssw0rd123",
    ]
)

_TAIL = string.digits + string.punctuation + string.whitespace
_STEM_LEAST = 3  # characters of a word that is common whatever stands behind it
_STEMS = frozenset(stem for stem in (word.rstrip(string.digits) for word in _COMMON) if len(stem) >= _STEM_LEAST)


def check_new(password: str, username: str) -> None:
    """Raise Invalid (field "password") when a new password is too short, common, or the user's own name."""
    low = password.lower()
    problem = ""
    if len(password) < MIN_LENGTH:
        problem = f"密码至少 {MIN_LENGTH} 位。"
    elif len(password) > _MAX_LENGTH:
        problem = f"密码不能超过 {_MAX_LENGTH} 位。"
    elif username.lower() in low or low in username.lower():
        problem = "密码不能包含用户名。"
    elif _is_common(low) or len(set(low)) < 4:
        problem = "这个密码太常见，请换一个。"
    if problem:
        raise Invalid({"password": problem})


def _is_common(low: str) -> bool:
    """Whether it is on the list, as it is or but for the figures and marks at its end."""
    bare = low.rstrip(string.punctuation + string.whitespace)
    return low in _COMMON or bare in _COMMON or low.rstrip(_TAIL) in _STEMS


def hash_password(password: str) -> str:
    """The argon2id hash to store; takes some 20 ms, so not inside a write session."""
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password fits; takes as long for an account that does not exist (None) or has no password yet."""
    try:
        return _HASHER.verify(stored or _dummy(), password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def random_password() -> str:
    """A random password to hand over: 14 letters and figures that can't be misread."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(14))


@lru_cache(maxsize=1)
def _dummy() -> str:
    return _HASHER.hash(secrets.token_hex(16))
