"""Normalising text while remembering where each character came from.

A citizen's words are kept as written; rules, models and search read the normalised text, and evidence found in it is
shown in the original through the map of offsets.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import opencc

# What NFKC leaves alone and what joins nothing before it: ASCII, Han, the Chinese marks in daily use.
_SIMPLE = "\\n -~\\u3001-\\u3003\\u3007-\\u3011\\u3014-\\u3017\\u3400-\\u4dbf\\u4e00-\\u9fff“”‘’—·"
_COMPLEX_RUN = re.compile(f"[\\s\\S]?[^{_SIMPLE}]+")
_WORK = re.compile(f"[^{_SIMPLE}]|[ \\n]{{2}}|\\A[ \\n]|[ \\n]\\Z")
_SPACES = re.compile(r"\s+")
_SPACE_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85")
# Fillers and joiners that show nothing, and marks that decompose into two (all discouraged by Unicode itself).
_ALSO_DROPPED = frozenset([0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x0344, 0x0F73, 0x0F75, 0x0F81])
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_MARKS_KEPT = 16


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text; `offsets[i]` is where its i-th character began in the original, the last item its end."""

    text: str
    offsets: Sequence[int]

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of the original that gave the range start..end here. Raises ValueError out of range."""
        size = len(self.text)
        if not 0 <= start <= end <= size:
            raise ValueError("range outside the normalised text")
        first = self.offsets[start]
        if start == end:
            return first, first
        # Characters that came out of one character share its offset: the range ends after that one.
        last = self.offsets[end - 1]
        while end < size and self.offsets[end] == last:
            end += 1
        return first, self.offsets[end]


def normalise(text: str) -> Normalised:
    """NFKC, simplified characters, no control or invisible characters, white space folded (a newline stays one).

    Runs of white space become one space, or one newline when they hold one; both ends are stripped.
    """
    text = text.translate(_one_to_one())
    if not _WORK.search(text):
        return Normalised(text, range(len(text) + 1))
    steps: list[Sequence[int]] = []

    def step(pattern: re.Pattern[str], pieces: Callable[[re.Match[str]], Iterable[tuple[int, str]]]) -> None:
        nonlocal text
        if pattern.search(text):
            text, offsets = _rewrite(text, pattern, pieces)
            steps.append(offsets)

    dropped, marks = _patterns()
    step(dropped, lambda match: ())
    step(marks, lambda match: ((match.start() + i, mark) for i, mark in enumerate(match[1])))
    if not unicodedata.is_normalized("NFKC", text):
        step(_COMPLEX_RUN, _compose)
        step(marks, lambda match: ((match.start() + i, mark) for i, mark in enumerate(match[1])))
    text = text.translate(_one_to_one())
    size = len(text)
    step(_SPACES, lambda match: _fold(match, size))
    return Normalised(text, _chain(steps, len(text)))


def simplified(text: str) -> str:
    """Traditional characters as simplified ones, one for one: the length stays."""
    return text.translate(_simplified_table())


def _rewrite(
    text: str, pattern: re.Pattern[str], pieces: Callable[[re.Match[str]], Iterable[tuple[int, str]]]
) -> tuple[str, list[int]]:
    """Replace each match by its pieces (origin, characters); also give the origin of each character and the end."""
    out: list[str] = []
    offsets: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        out.append(text[at:start])
        offsets.extend(range(at, start))
        for origin, piece in pieces(match):
            out.append(piece)
            offsets.extend([origin] * len(piece))
        at = end
    out.append(text[at:])
    offsets.extend(range(at, len(text) + 1))
    return "".join(out), offsets


def _compose(match: re.Match[str]) -> Iterable[tuple[int, str]]:
    """NFKC of a run, in the smallest groups that compose among themselves."""
    run, base = match[0], match.start()
    start = 0
    for at in range(1, len(run)):
        if not _joins(run, start, at):
            yield base + start, unicodedata.normalize("NFKC", run[start:at])
            start = at
    yield base + start, unicodedata.normalize("NFKC", run[start:])


def _joins(run: str, start: int, at: int) -> bool:
    """Whether the character at `at` composes with, or is reordered among, the group begun at `start`."""
    normal = unicodedata.normalize
    own = normal("NFKC", run[at])
    if unicodedata.combining(own[0]):
        return True
    # Hangul needs the three letters of a syllable; nothing needs more.
    tail = run[max(start, at - 3) : at]
    return normal("NFKC", tail + run[at]) != normal("NFKC", tail) + own


def _fold(match: re.Match[str], size: int) -> Iterable[tuple[int, str]]:
    if match.start() == 0 or match.end() == size:
        return ()
    newline = any(mark in match[0] for mark in "\n\r\x85\u2028\u2029")
    return ((match.start(), "\n" if newline else " "),)


def _chain(steps: list[Sequence[int]], size: int) -> Sequence[int]:
    """The maps of several rewritings as one, from the last text to the first."""
    if not steps:
        return range(size + 1)
    offsets: Sequence[int] = steps[-1]
    for earlier in reversed(steps[:-1]):
        offsets = [earlier[at] for at in offsets]
    return tuple(offsets)


@lru_cache(maxsize=1)
def _simplified_table() -> dict[int, int]:
    """OpenCC's character table, each followed to its end so that a second pass changes nothing."""
    path = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    table: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        source, _, targets = line.partition("\t")
        target = targets.split(" ")[0]
        if len(source) == len(target) == 1 and source != target:
            table[source] = target
    for source in table:
        seen = {source}
        while (target := table[source]) in table and target not in seen:
            seen.add(target)
            table[source] = table[target]
    return {ord(source): ord(target) for source, target in table.items() if source != target}


@lru_cache(maxsize=1)
def _one_to_one() -> dict[int, int]:
    """Full-width forms to ASCII, the wide space to a space, traditional to simplified."""
    wide = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    return {**_simplified_table(), **wide, 0x3000: 0x20}


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is dropped, and combining marks beyond what any writing needs (reordering them costs the square)."""
    dropped, marks = [], []
    for code in range(sys.maxunicode + 1):
        if 0x323B0 <= code < 0xE0000 or code >= 0xE0200:
            continue
        char = chr(code)
        kind = unicodedata.category(char)
        shows_nothing = kind in ("Cf", "Cs") or (kind == "Cc" and char not in _SPACE_CONTROLS) or code in _ALSO_DROPPED
        if shows_nothing or any(code in block for block in _SELECTORS):
            dropped.append(code)
        elif kind[0] == "M" or code in (0xFF9E, 0xFF9F):
            marks.append(code)
    kept = f"([{_ranges(marks)}]{{{_MARKS_KEPT}}})[{_ranges(marks)}]+"
    return re.compile(f"[{_ranges(dropped)}]+"), re.compile(kept)


def _ranges(codes: list[int]) -> str:
    """Code points in order as the inside of a character class."""
    out: list[str] = []
    start = previous = codes[0]
    for code in [*codes[1:], -1]:
        if code != previous + 1:
            out.append(f"\\U{start:08x}-\\U{previous:08x}")
            start = code
        previous = code
    return "".join(out)
