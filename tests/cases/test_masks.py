"""Personal data is hidden where it stands in the text as typed, whatever it is typed with."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.operations.masks import masked, personal


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_was_declared_is_hidden_and_once_is_enough(before: str, after: str) -> None:
    text = f"{before}。徐晓梅。{after}"
    clean, count = masked(text, ["徐晓梅"])
    assert "徐晓梅" not in clean and count >= 1 and len(clean) == len(text)
    assert masked(clean, ["徐晓梅"])[0] == clean


@given(st.text(max_size=60))
def test_every_word_found_is_where_it_says(text: str) -> None:
    found = personal(text + "电话13812345678，")
    assert found[-1].word == "13812345678"
    for one, next_one in pairwise(found):
        assert one.end <= next_one.start
    for one in found:
        assert (text + "电话13812345678，")[one.start : one.end] == one.word


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("您好，徐晓梅（女），路灯已修好！", "您好，***（女），路灯已修好！"),
        ("徐\u200b晓梅来过", "****来过"),
        ("电话：１３８１２３４５６７８。", "电话：***********。"),
        ("没有什么要藏的，谢谢。", "没有什么要藏的，谢谢。"),
    ],
)
def test_the_text_keeps_its_own_marks(text: str, clean: str) -> None:
    assert masked(text, ["徐晓梅"])[0] == clean
