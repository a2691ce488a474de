"""Danger to life: found when it is now, not when it is denied, past or supposed."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest

from classifier import words
from classifier.folding import fold_all
from classifier.model import Classifier
from classifier.words import LISTS, Entry, WordList, danger, hits_by_row, word_list
from tests.classifier.danger_sentences import DANGER, ORDINARY


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("楼道里有很浓的煤气味，快来人", "gas"),
        ("施工把天然气管道挖断了", "gas"),
        ("隔壁着火了", "fire"),
        ("電線冒火花", "fire"),
        ("后山刚刚塌方，路没了", "collapse"),
        ("他站在楼顶说不想活了", "life"),
        ("老人叫不醒", "life"),
        ("喘不上气", "life"),
        ("去年修过一次。今天又着火了", "fire"),
        ("没有着火", ""),
        ("现在并未起火", ""),
        ("去年着火烧过一次", ""),
        ("以前塌方过的那条老路又积水了", ""),
        ("塌方过的那段老路坑坑洼洼，希望修一修", ""),
        ("塌方过的老路昨晚又塌方了，埋了人", "collapse"),
        ("老路塌方过不去了", "collapse"),
        ("如果着火了怎么逃生", ""),
        ("火灾报警器和消防演练，模拟起火", ""),
        ("防止山体滑坡", ""),
        ("路灯坏了", ""),
        ("", ""),
        ("🔥🔥🔥", ""),
    ],
)
def test_danger_is_told_by_its_kind(text: str, code: str) -> None:
    assert danger(text) == code


@pytest.mark.parametrize(("text", "code"), DANGER)
def test_danger_is_heard_as_people_tell_it(text: str, code: str) -> None:
    assert danger(text) == code


@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_said_every_day_is_no_danger(text: str) -> None:
    assert danger(text) == ""


def test_the_model_tells_the_same_danger_in_either_language(shipped: Classifier) -> None:
    texts = [text for text, _ in DANGER] + ORDINARY
    said = [found.danger for found in shipped.suggest_many([("", text) for text in texts])]
    assert said == [danger(text) for text in texts]
    assert shipped.suggest("Gas leak", "请快来").danger == "gas"
    assert shipped.suggest("Gas leak", "请快来").urgent


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ＧＡＳ ＬＥＡＫ", "gas"),
        ("gas\n leak", "gas"),
        ("快help me", "life"),
        ("I don\u2019t want to live", "life"),
        ("He took 30 sleeping pills", "life"),
        ("ga\u200bs leak", "gas"),
        ("a pegas leak", ""),
        ("gas leaks from the stove", "gas"),
        ("There was a gas leak last year", ""),
        ("help me with this form", ""),
        ("please help me", ""),
        ("着火了, gas leak", "fire"),
    ],
)
def test_english_is_matched_by_whole_words(text: str, code: str) -> None:
    assert danger(text) == code


def test_only_fields_with_latin_letters_are_looked_at_for_english() -> None:
    batch = fold_all(["路灯坏了", "A市 B区", "gas leak", "ga\u200bs leak", "ｇａｓ ｌｅａｋ"])
    assert batch.latin == {2: "gas leak", 3: "gas leak", 4: "ｇａｓ ｌｅａｋ"}


def test_a_harmless_longer_word_hides_what_it_holds() -> None:
    assert danger("这是我妈的救命钱") == ""
    assert danger("这是我妈的救命钱，救命") == "life"


def test_danger_reads_only_the_beginning_of_a_huge_text() -> None:
    assert danger("啊" * 30_000 + "着火了") == ""


@pytest.mark.parametrize("name", LISTS)
def test_every_phrase_of_a_list_is_found_by_its_list(name: str) -> None:
    found = word_list(name)
    for phrase, entry in found.entries.items():
        assert bool(found.find(phrase)) is (entry.guard != "harmless"), phrase
    for patterns in found.gapped.values():
        for entry in (one for _, entries in patterns for one in entries.values()):
            assert found.find(entry.phrase.replace("…", "已经")), entry.phrase


def codes(text: str) -> npt.NDArray[np.uint16]:
    return np.frombuffer(text.encode("utf-16-le"), np.uint16)


@pytest.mark.parametrize("name", LISTS)
def test_a_batch_finds_what_the_list_alone_finds(name: str) -> None:
    found = word_list(name)
    entries = [one for patterns in found.gapped.values() for _, ends in patterns for one in ends.values()]
    gapped = [entry.phrase.replace("…", "已经") for entry in entries]
    phrases = [*found.entries, *gapped]
    for joined in (" ".join(phrases), "".join(phrases), "没有".join(phrases), "路灯 " + phrases[-1]):
        hits = hits_by_row(joined, codes(joined), [len(joined) + 1])
        assert hits.get(0, {}).get(name, []) == [hit.code for hit in found.find(joined)]


def test_a_phrase_of_one_character_is_found_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    one = WordList("danger", re.compile("火"), {"火": Entry("fire", "火", "exact")}, {}, {"火": re.compile("火")})
    others = {name: word_list(name) for name in LISTS}
    monkeypatch.setattr(words, "word_list", lambda name: one if name == "danger" else others[name])
    words._openings.cache_clear()
    try:
        assert hits_by_row("火了\n灯火", codes("火了\n灯火"), [3, 6]) == {
            0: {"danger": ["fire"]},
            1: {"danger": ["fire"]},
        }
    finally:
        words._openings.cache_clear()


def test_hits_of_a_joined_batch_belong_to_their_rows() -> None:
    rows = ["路灯坏了", "楼上着火了", "举报村干部贪污", "拖欠工资"]
    joined = "\n".join(rows)
    ends = [joined.index("\n", sum(len(row) + 1 for row in rows[:n])) + 1 for n in range(3)] + [len(joined) + 1]
    assert hits_by_row(joined, codes(joined), ends) == {
        1: {"danger": ["fire"]},
        2: {"accusation": ["report", "office"]},
        3: {"sensitive": ["sensitive"]},
    }
