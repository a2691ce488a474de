"""Folded texts as sparse rows: search-mode words and single characters, the title as a block of its own.

A batch is joined and cut in one call; ids, counts and norms are computed for the whole batch at once, because a step
in Python for each token would cost as much as cutting does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from classifier.lookup import Places, WordTable
from core.text.cutting import is_word, search_tokens, tokens

TITLE_WEIGHT = 0.7
INNER = (2, 3)  # sizes of the shorter words that search mode takes out of longer ones
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Pair = tuple[str, str]
_LOGS = 1 + np.log(np.maximum(np.arange(20_001), 1))  # 1 + log of a count


def characters(folded: str) -> str:
    """The Han characters of a folded text."""
    return folded.replace(" ", "")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The features that a model knows: words, then characters, and which of them the title block has too."""

    words: tuple[str, ...]
    chars: str
    title_ids: Ints
    idf: Floats  # of the whole text's features, then of the title's

    @property
    def body_size(self) -> int:
        """Columns of the block for title and body together; the title's own columns follow."""
        return len(self.words) + len(self.chars)

    @property
    def size(self) -> int:
        """Columns in all."""
        return self.body_size + len(self.title_ids)


@dataclass(frozen=True, slots=True)
class Cells:
    """Sparse rows, and beside each of their cells the number of its row."""

    rows: Any
    numbers: Ints

    @property
    def columns(self) -> Ints:
        """The column of each cell."""
        out: Ints = self.rows.indices
        return out

    @property
    def values(self) -> Floats:
        """The value of each cell."""
        out: Floats = self.rows.data
        return out

    def only(self, kept: npt.NDArray[np.bool_]) -> Any:
        """Sparse rows of the same shape with the cells for which `kept` is True."""
        starts = np.append(0, np.cumsum(kept))[self.rows.indptr]
        return sparse.csr_matrix((self.values[kept], self.columns[kept], starts), shape=self.rows.shape)


def cells_of(rows: Any) -> Cells:
    """The same with row numbers."""
    return Cells(rows, np.repeat(np.arange(rows.shape[0], dtype=np.int32), np.diff(rows.indptr)))


def build_vocabulary(pairs: Sequence[Pair], *, least: int = 3, least_title: int = 2) -> Vocabulary:
    """The features that stand in at least `least` texts, and in `least_title` titles for the title block."""
    words: Counter[str] = Counter()
    chars: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    for title, body in pairs:
        title_words = set(search_tokens(title))
        words.update(title_words.union(search_tokens(body)))
        chars.update(set(characters(title + body)))
        titles.update(title_words)
        titles.update("#" + char for char in set(characters(title)))
    for space in " \n":
        del words[space]
    kept_words = tuple(sorted(word for word, count in words.items() if count >= least))
    kept_chars = "".join(sorted(char for char, count in chars.items() if count >= least))
    names = [*kept_words, *("#" + char for char in kept_chars)]
    counts = [*(words[word] for word in kept_words), *(chars[char] for char in kept_chars)]
    title_ids = [number for number, name in enumerate(names) if titles[name] >= least_title]
    counts.extend(titles[names[number]] for number in title_ids)
    idf = np.log((1 + len(pairs)) / (1 + np.array(counts))) + 1
    return Vocabulary(kept_words, kept_chars, np.array(title_ids, np.int32), idf.astype(np.float32))


class Vectoriser:
    """Turns batches of (title, body), both folded, into normalised TF-IDF rows over a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Build the look-up tables."""
        self.vocabulary = vocabulary
        self._end = vocabulary.body_size
        self._words = WordTable(vocabulary.words)
        # Which features stand inside longer words too; the last is for what is no feature.
        self._inner = np.zeros(self._end + 1, np.bool_)
        self._inner[: len(vocabulary.words)] = [len(w) in INNER and is_word(w) for w in vocabulary.words]
        self._char_ids = np.full(0x10000, -1, np.int32)
        for number, char in enumerate(vocabulary.chars):
            self._char_ids[ord(char)] = len(vocabulary.words) + number
        self._title_column = np.full(self._end + 1, -1, np.int32)
        self._title_column[vocabulary.title_ids] = np.arange(len(vocabulary.title_ids), dtype=np.int32) + self._end

    def rows(self, pairs: Sequence[Pair]) -> Any:
        """One sparse float32 row (scipy CSR) for each pair."""
        if not pairs:
            return sparse.csr_matrix((0, self.vocabulary.size), dtype=np.float32)
        joined = "\n".join(f"{title}\n{body}" for title, body in pairs)
        return self.joined_rows(len(pairs), np.frombuffer(joined.encode("utf-16-le"), np.uint16))

    def joined_rows(self, count: int, codes: npt.NDArray[np.uint16]) -> Any:
        """The same for `count` pairs whose fields are joined by newlines already, as 16-bit codes."""
        spaces = codes == ord(" ")
        spaces[1:] &= spaces[:-1]  # what follows a space only
        codes = codes[~spaces]
        fields = np.cumsum(codes == ord("\n"), dtype=np.int32)  # of each place
        words = _cut(codes, fields)
        inner = _inner_places(words)
        inner_ids = self._words.find(inner)
        inner_ids[~self._inner[inner_ids]] = -1
        ids = np.concatenate([self._words.find(words), inner_ids, self._char_ids[codes]])
        return self._count(count, ids, np.concatenate([fields[words.starts], fields[inner.starts], fields]))

    def _count(self, count: int, ids: Ints, fields: Ints) -> Any:
        """Rows from the feature of each occurrence, -1 for none, and the field that it stands in."""
        width = self.vocabulary.size
        kind: Any = np.int32 if count * width < 2**31 else np.int64
        known = np.flatnonzero(ids >= 0)
        ids, fields = ids[known], fields[known]
        base = (fields >> 1) * kind(width)
        in_title = np.flatnonzero(fields & 1 == 0)
        titles = self._title_column[ids[in_title]]
        keys = [base + ids, (base[in_title] + titles)[titles >= 0]]
        cells = np.sort(np.concatenate(keys))
        firsts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1])[: len(cells)])
        times = np.diff(firsts, append=len(cells))
        cells = cells[firsts]
        starts = np.searchsorted(cells, np.arange(count + 1, dtype=np.int64) * width)
        row = np.repeat(np.arange(count, dtype=kind), np.diff(starts))
        return self._weigh(count, row, cells - row * kind(width), times, starts)

    def _weigh(self, count: int, row: Any, column: Any, times: Any, starts: Any) -> Any:
        values = _LOGS[np.minimum(times, len(_LOGS) - 1)] * self.vocabulary.idf[column]
        block = row * 2 + (column >= self._end)
        norms = np.sqrt(np.bincount(block, values * values, minlength=2 * count))
        norms[1::2] /= TITLE_WEIGHT
        values = (values / np.where(norms > 0, norms, 1)[block]).astype(np.float32)
        return sparse.csr_matrix(
            (values, column.astype(np.int32), starts.astype(np.int32)), shape=(count, self.vocabulary.size)
        )


def _cut(codes: npt.NDArray[np.uint16], fields: Ints) -> Places:
    """The words of a batch of pairs. Each pair is cut by itself: its words are gone again before the next are made."""
    text = codes.tobytes().decode("utf-16-le", "replace")
    ends = [*np.flatnonzero(np.diff(fields >> 1) > 0) + 1, len(codes)]
    sizes = np.frombuffer(
        b"".join([_sizes(tokens(text[a:b])) for a, b in zip([0, *ends], ends, strict=False)]), np.uint8
    )
    return Places(codes, np.cumsum(sizes, dtype=np.int64) - sizes, sizes)


def _sizes(cut: Sequence[str]) -> bytes:
    """The lengths of words; one of more than a byte holds counts as several, for no feature is so long."""
    try:
        return bytes(map(len, cut))
    except ValueError:
        return b"".join(
            bytes([255] * (len(token) // 255) + [len(token) % 255] * (len(token) % 255 > 0)) for token in cut
        )


def _inner_places(words: Places) -> Places:
    """The places of two and of three characters inside longer words, which search mode looks up in its dictionary."""
    starts, sizes = [], []
    for size in INNER:
        left, offset = np.flatnonzero(words.sizes > size), 0
        while len(left):
            starts.append(words.starts[left] + offset)
            sizes.append(np.full(len(left), size, np.uint8))
            offset += 1
            left = left[words.sizes[left] >= size + offset]
    if not starts:
        return Places(words.codes, words.starts[:0], words.sizes[:0])
    return Places(words.codes, np.concatenate(starts), np.concatenate(sizes))
