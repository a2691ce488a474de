"""Folding keeps places; a batch folds like its parts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.folding import fold, fold_all

TEXTS = st.text(st.one_of(st.sampled_from("水電梯A3，。\u200b\n🙂０（"), st.characters()), max_size=30)


def test_only_han_stays_simplified_at_the_same_place() -> None:
    assert fold("A3区電梯，壞了2天！").text == "  区电梯 坏了 天 "


def test_places_lead_back_through_invisible_characters() -> None:
    text = "水\u200b费太\u200d贵"
    folded = fold(text)
    start = folded.text.index("费太贵")
    assert folded.text == "水费太贵"
    first, last = folded.to_original(start, start + 3)
    assert text[first:last] == "费太\u200d贵"


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_batch_folds_like_its_parts(texts: list[str]) -> None:
    batch = fold_all(texts)
    each = [fold(text) for text in texts]
    assert batch.joined.split("\n") == [field.text for field in each]
    assert [place for place, char in enumerate(batch.joined + "\n") if char == "\n"] == batch.ends.tolist()
    assert batch.normals == {number: field.normal for number, field in enumerate(each) if field.normal}
    assert batch.codes.tobytes().decode("utf-16-le", "replace") == batch.joined
