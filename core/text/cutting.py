"""Cutting Chinese text into words, the same way for the classifier, both search engines and matching.

Only runs of Han characters reach the cutter; figures and Latin runs are taken by our own regular expression, because
jieba and rjieba disagree on nothing else. rjieba (the Rust port, same dictionary) is used where it imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_RUNS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[a-z0-9]+(?:\.[0-9]+)?", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")

Cutter = Callable[[str], list[str]]


Knows = Callable[[str], bool]


def _rust_cutters() -> tuple[Cutter, Cutter, Knows]:
    import rjieba

    return rjieba.cut, rjieba.cut_for_search, rjieba.has_word


def _python_cutters() -> tuple[Cutter, Cutter, Knows]:
    import jieba

    jieba.setLogLevel("ERROR")
    return jieba.lcut, jieba.lcut_for_search, _known_to_jieba


def _known_to_jieba(word: str) -> bool:
    import jieba

    jieba.initialize()
    return bool(jieba.dt.FREQ.get(word))


def _choose() -> tuple[str, Cutter, Cutter, Knows]:
    try:
        return ("rjieba", *_rust_cutters())
    except ImportError:
        return ("jieba", *_python_cutters())


ENGINE, _cut, _cut_for_search, _is_word = _choose()


def use(engine: str) -> None:
    """Choose the cutter by name, "jieba" or "rjieba" (for measuring one against the other). Raises ImportError."""
    global ENGINE, _cut, _cut_for_search, _is_word
    found = _rust_cutters() if engine == "rjieba" else _python_cutters()
    ENGINE, (_cut, _cut_for_search, _is_word) = engine, found


def words(text: str) -> list[str]:
    """The words of a text in order, lower-cased figures and Latin runs among them; punctuation is dropped."""
    return _over_runs(text, _cut)


def search_words(text: str) -> list[str]:
    """The same, with the shorter words inside long ones added, as jieba's search mode gives them."""
    return _over_runs(text, _cut_for_search)


def _over_runs(text: str, cut: Cutter) -> list[str]:
    out: list[str] = []
    for run in _RUNS.findall(text):
        if _HAN.match(run):
            out.extend(cut(run))
        else:
            out.append(run.lower())
    return out


def add_words(entries: Iterable[tuple[str, int, str]]) -> None:
    """Add user-dictionary entries (word, frequency, tag) to the cutter in use."""
    if ENGINE == "rjieba":
        import rjieba

        for word, frequency, tag in entries:
            rjieba.add_word(word, frequency, tag)
    else:
        import jieba

        for word, frequency, tag in entries:
            jieba.add_word(word, frequency, tag)


def search_tokens(text: str) -> list[str]:
    """Search-mode cutting of a text that holds Han characters and white space alone, in one call.

    White space comes back as tokens of its own, so that the parts of a joined batch can be told apart.
    """
    return _cut_for_search(text)


def tokens(text: str) -> list[str]:
    """The same without the shorter words inside long ones: put one after the other they are the text."""
    return _cut(text)


def is_word(word: str) -> bool:
    """Whether the dictionary of the cutter in use knows a word."""
    return _is_word(word)
