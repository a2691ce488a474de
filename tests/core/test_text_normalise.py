from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.text.normalise import normalise, simplified

AWKWARD = st.text(
    st.one_of(st.characters(), st.sampled_from("ｱﾞ한ᄀ\u1161\u11a8é\u0301㎏…　 \n\t\u200b\u202e臺灣１Ａ①\u0958\ufdfa"))
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("小区停水三天了", "小区停水三天了"),
        ("臺灣同胞反映：電話打不通", "台湾同胞反映:电话打不通"),
        ("电话１３８　０００", "电话138 000"),
        ("a\u200bb\ufeffc", "abc"),
        ("正常\u202e倒写\u202c", "正常倒写"),
        ("响\x00铃\x07", "响铃"),
        ("一  二\t\t三", "一 二 三"),
        ("一 \r\n\r\n 二", "一\n二"),
        ("  两头  ", "两头"),
        ("噪音…很大", "噪音...很大"),
        ("50㎡", "50m2"),
        ("e\u0301", "é"),
        ("ｶﾞ", "ガ"),
        ("坏\ud800字", "坏字"),
        ("😀😀", "😀😀"),
        ("", ""),
    ],
)
def test_it_normalises(raw: str, expected: str) -> None:
    assert normalise(raw).text == expected


def test_offsets_lead_back_to_what_was_written() -> None:
    raw = "  本\u200b楼５０㎡漏水…嚴重"
    normal = normalise(raw)
    start = normal.text.index("m2")
    assert raw[slice(*normal.to_original(start, start + 2))] == "㎡"
    assert raw[slice(*normal.to_original(start, start + 1))] == "㎡"
    start = normal.text.index("严重")
    assert raw[slice(*normal.to_original(start, start + 2))] == "嚴重"
    assert normal.to_original(0, 0) == (2, 2)
    with pytest.raises(ValueError):
        normal.to_original(0, len(normal.text) + 1)


@given(AWKWARD)
@example("ﾞ" * 40)
@example("\u0958" + "\u0301" * 40)
@example("\u00a8" * 3)
def test_properties(raw: str) -> None:
    normal = normalise(raw)
    assert len(normal.offsets) == len(normal.text) + 1
    assert all(a <= b for a, b in zip(normal.offsets, normal.offsets[1:], strict=False))
    assert normalise(normal.text).text == normal.text
    for at in range(len(normal.text)):
        start, end = normal.to_original(at, at + 1)
        assert 0 <= start < end <= len(raw)


@given(st.text())
def test_simplified_keeps_length_and_settles(raw: str) -> None:
    once = simplified(raw)
    assert len(once) == len(raw)
    assert simplified(once) == once


@pytest.mark.parametrize("unit", ["水", "a\u0301\u0316", "\u0301\u0316", " ", "\u200b", "㎡", "한", "１"])
def test_a_megabyte_comes_through(unit: str) -> None:
    normal = normalise(unit * (1_000_000 // len(unit)))
    assert len(normal.offsets) == len(normal.text) + 1
