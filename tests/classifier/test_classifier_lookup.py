"""Words looked up together get the numbers that a dictionary gives them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier import lookup
from classifier.lookup import WordTable, places_of
from classifier.vectors import Vectoriser, Vocabulary, _sizes, build_vocabulary
from core.text import cutting

WORDS = st.lists(st.text("水电费路灯坏了𠮷\n", min_size=1, max_size=6), unique=True, max_size=30)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(WORDS, WORDS)
def test_words_have_the_numbers_of_a_dictionary(known: list[str], asked: list[str]) -> None:
    numbers = {word: place for place, word in enumerate(known)}
    wanted = [*asked, *known, *asked]
    assert WordTable(known).find(places_of(wanted)).tolist() == [numbers.get(word, -1) for word in wanted]


def test_words_that_meet_in_a_slot_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "BITS", 3)
    known = [first + second for first in "水电费路灯" for second in "坏了好"]
    table = WordTable(known)
    assert table.find(places_of(known)).tolist() == list(range(len(known)))
    assert table.find(places_of(["水", "坏水", "水坏了"])).tolist() == [-1, -1, -1]


def test_a_word_longer_than_the_factors_has_a_key_of_its_own() -> None:
    words = ["水" * 63 + "电", "水" * 64, "水" * 65, "水" * 64 + "电"]
    assert len(set(places_of(words).keys().tolist())) == 4


TEXTS = st.text("中华人民共和国务院长江大桥北京大学生前来应聘的了路灯坏 \n", max_size=80)


@pytest.mark.parametrize("engine", ["jieba", "rjieba"])
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS).map(lambda pair: tuple(text.replace("\n", " ") for text in pair)),
                      min_size=1, max_size=4))  # fmt: skip
def test_a_row_holds_the_words_of_search_mode(engine: str, pairs: list[tuple[str, str]]) -> None:
    used = cutting.ENGINE
    cutting.use(engine)
    try:
        vocabulary = build_vocabulary(pairs, least=1, least_title=1)
        rows = Vectoriser(vocabulary).rows(pairs)
        for number, pair in enumerate(pairs):
            expected = set(cutting.search_tokens("\n".join(pair))) - {" ", "\n"}
            columns = rows[number].indices
            assert {vocabulary.words[column] for column in columns if column < len(vocabulary.words)} == expected
    finally:
        cutting.use(used)


def test_a_word_of_more_than_a_byte_can_tell_is_counted_whole() -> None:
    cut = ["路灯", "水" * 300, "的"]
    assert list(_sizes(cut)) == [2, 255, 45, 1]
    assert list(_sizes(["水" * 255])) == [255] and list(_sizes(["水" * 510, "的"])) == [255, 255, 1]


def test_characters_inside_a_longer_word_count_only_as_a_word_of_the_dictionary() -> None:
    vocabulary = Vocabulary(("中华人民共和国", "人民", "民共"), "", np.zeros(0, np.int32), np.ones(3, np.float32))
    rows = Vectoriser(vocabulary).rows([("", "中华人民共和国"), ("", "民共")])
    assert [sorted(row.indices.tolist()) for row in rows] == [[0, 1], [2]]
