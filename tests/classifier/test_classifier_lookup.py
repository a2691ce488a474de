"""Words looked up together get the numbers that a dictionary gives them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import lookup
from classifier.lookup import WordTable, keys_of

WORDS = st.lists(st.text("水电费路灯坏了𠮷\n", min_size=1, max_size=6), unique=True, max_size=30)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(WORDS, WORDS)
def test_words_have_the_numbers_of_a_dictionary(known: list[str], asked: list[str]) -> None:
    numbers = {word: 7 * place for place, word in enumerate(known)}
    table = WordTable(known, list(numbers.values()))
    wanted = [*asked, *known, *asked]
    assert table.find(wanted).tolist() == [numbers.get(word, -1) for word in wanted]


def test_words_that_meet_in_a_slot_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "BITS", 3)
    known = [first + second for first in "水电费路灯" for second in "坏了好"]
    table = WordTable(known, list(range(len(known))))
    assert table.find(known).tolist() == list(range(len(known)))
    assert table.find(["水", "坏水", "水坏了"]).tolist() == [-1, -1, -1]


def test_a_word_longer_than_the_factors_has_a_key_of_its_own() -> None:
    words = ["水" * 63 + "电", "水" * 64, "水" * 65, "水" * 64 + "电"]
    assert len(set(keys_of(words).tolist())) == 4
