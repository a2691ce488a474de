"""Looking up the numbers of many words at once.

A dictionary asked word by word costs as much as cutting the text, most of it in waiting for memory. Here the words of a
batch become 64-bit keys in a few passes over their characters, and the keys are looked up in small tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BITS = 18  # of a table's slots: eight for each of 30,000 words
_END = "\0"
Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32]
# Odd 64-bit numbers, one for each place of a character in a word; two words share a key once in 10^19 pairs.
_FACTORS = np.random.default_rng(20).integers(0, 2**64, 64, np.uint64) | np.uint64(1)


def keys_of(words: Sequence[str]) -> Keys:
    """A key for each word; none may be empty or hold the character 0. Past 64 characters places repeat."""
    codes = np.frombuffer(_END.join([*words, ""]).encode("utf-16-le", "surrogatepass"), np.uint16)
    if not words:
        return np.zeros(0, np.uint64)
    ends = np.flatnonzero(codes == 0)
    starts = np.append(0, ends[:-1] + 1)
    keys: Keys = codes[starts] * _FACTORS[0]
    left, place = np.flatnonzero(ends - starts > 1), 1
    while len(left):
        keys[left] += codes[starts[left] + place] * _FACTORS[place & 63]
        place += 1
        left = left[(ends[left] - starts[left]) > place]
    return keys


class WordTable:
    """Words, each with a number of its own, looked up by their keys."""

    def __init__(self, words: Sequence[str], numbers: Sequence[int]) -> None:
        """Fill table after table: a word whose slot is taken goes to the next one, where other bits are read."""
        self._numbers = np.array([*numbers, -1], np.int32)
        self._keys = np.append(keys_of(words), np.uint64(0))
        self._tables: list[Ints] = []
        waiting = np.arange(len(words), dtype=np.int32)
        while len(waiting):
            table = np.full(1 << BITS, len(words), np.int32)
            slots = self._slots(len(self._tables), self._keys[waiting])
            table[slots] = waiting
            self._tables.append(table)
            waiting = waiting[table[slots] != waiting]

    def find(self, words: Sequence[str]) -> Ints:
        """The number of each word, -1 where it is not in the table."""
        keys = keys_of(words)
        out = np.full(len(keys), -1, np.int32)
        left = np.arange(len(keys))
        for level, table in enumerate(self._tables):
            found = table[self._slots(level, keys)]
            fits = self._keys[found] == keys
            out[left] = np.where(fits, self._numbers[found], np.int32(-1))
            missed = np.flatnonzero(~fits)
            left, keys = left[missed], keys[missed]
        return out

    @staticmethod
    def _slots(level: int, keys: Keys) -> Keys:
        return keys >> np.uint64(64 - BITS - 9 * level) & np.uint64((1 << BITS) - 1)
