"""Texts that fit into XML and into a provider's limit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.dialect import fit_bytes, pieces, xml_safe


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.text(max_size=400), st.integers(40, 300))
def test_nothing_exceeds_the_limit_and_short_texts_stay(text: str, limit: int) -> None:
    fitted = fit_bytes(text, limit)
    assert len(fitted.encode()) <= limit
    if len(text.encode()) <= limit:
        assert fitted == text


def test_both_ends_of_a_long_answer_stay() -> None:
    fitted = fit_bytes("编号2611240000017" + "长" * 2000 + "查询码12345678", 2048)
    assert fitted.startswith("编号2611240000017") and fitted.endswith("查询码12345678")


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.text(alphabet="ab\n", max_size=400), st.integers(2, 60))
def test_pieces_lose_nothing(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert "".join(found) == text
    assert all(0 < len(piece) <= limit for piece in found)


def test_what_xml_cannot_hold_is_taken_out() -> None:
    assert xml_safe("a\x00b\x0b\ufffec\ud800d\t😀") == "abcd\t😀"
