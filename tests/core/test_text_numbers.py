from __future__ import annotations

import pytest

from core.text.numbers import id_number_ok, luhn_ok, normal_phone, phone_display, phone_ok


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("13800001234", "+8613800001234"),
        ("138 0000 1234", "+8613800001234"),
        ("138-0000-1234", "+8613800001234"),
        ("１３８００００１２３４", "+8613800001234"),
        ("+86 138 0000 1234", "+8613800001234"),
        ("+86-13800001234", "+8613800001234"),
        ("0086 13800001234", "+8613800001234"),
        ("8613800001234", "+8613800001234"),
        ("(0513) 85550123", "+8651385550123"),
        ("0513－85550123", "+8651385550123"),
        ("010-65550123", "+861065550123"),
        ("+86 10 6555 0123", "+861065550123"),
        ("+86 513 8555 0123", "+8651385550123"),
        ("0513-85550123转801", "+8651385550123"),
        ("0513-85550123-801", "+8651385550123"),
        ("85550123", None),
        ("12345", None),
        ("12800001234", None),
        ("138000012345", None),
        ("一三八", None),
        ("٠١٣٨٠٠٠٠١٢٣٤", None),
        ("", None),
        ("1" * 10_000, None),
    ],
)
def test_a_phone_is_written_one_way(typed: str, expected: str | None) -> None:
    assert normal_phone(typed) == expected
    assert phone_ok(typed) is (expected is not None)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+8613800002607", "138****2607"),
        ("138 0000 2607", "138****2607"),
        ("0513-85550123", "0513****0123"),
        ("010-65550123", "010****0123"),
        ("85550123", "******23"),
        ("12345", "***45"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_a_phone_is_shown_in_part(number: str, shown: str) -> None:
    assert phone_display(number) == shown


@pytest.mark.parametrize(
    ("number", "ok"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("１１０１０５１９４９１２３１００２Ｘ", True),
        ("110105194912310021", False),
        ("110105194902300021", False),
        ("000105194912310021", False),
        ("110105491231002", False),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", False),
        ("", False),
    ],
)
def test_identity_numbers(number: str, ok: bool) -> None:
    assert id_number_ok(number) is ok


def test_luhn() -> None:
    assert luhn_ok("4111111111111111")
    assert not luhn_ok("4111111111111112")
