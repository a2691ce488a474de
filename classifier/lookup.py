"""Looking up the numbers of many words at once.

A dictionary asked word by word costs as much as cutting the text, most of it in waiting for memory. Here the words of a
batch become 64-bit keys in a few passes over their characters, and the keys are looked up in small tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BITS = 18  # of a table's slots: eight for each of 30,000 words
Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32]
# Odd 64-bit numbers, one for each place of a character in a word; two words share a key once in 10^19 pairs.
_FACTORS = np.random.default_rng(20).integers(0, 2**64, 64, np.uint64) | np.uint64(1)


@dataclass(frozen=True, slots=True)
class Places:
    """Words as places in a text given as 16-bit codes: where each begins, and how many characters it has, 1 or more."""

    codes: npt.NDArray[np.uint16]
    starts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.integer]

    def keys(self) -> Keys:
        """A key for each word. Past 64 characters factors repeat."""
        keys: Keys = self.codes[self.starts] * _FACTORS[0]
        left, place = np.flatnonzero(self.sizes > 1), 1
        while len(left):
            keys[left] += self.codes[self.starts[left] + place] * _FACTORS[place & 63]
            place += 1
            left = left[self.sizes[left] > place]
        return keys


def places_of(words: Sequence[str]) -> Places:
    """Words put one after the other, none of them empty."""
    written = [word.encode("utf-16-le", "surrogatepass") for word in words]
    sizes = np.array([len(word) // 2 for word in written], np.int64)
    return Places(np.frombuffer(b"".join(written), np.uint16), np.cumsum(sizes) - sizes, sizes)


class WordTable:
    """Words looked up by their keys; the number of each is its place among them."""

    def __init__(self, words: Sequence[str]) -> None:
        """Fill table after table: a word whose slot is taken goes to the next one, where other bits are read."""
        self._empty = len(words)
        self._keys = np.append(places_of(words).keys(), np.uint64(0))
        self._tables: list[Ints] = []
        waiting = np.arange(len(words), dtype=np.int32)
        while len(waiting):
            table = np.full(1 << BITS, self._empty, np.int32)
            slots = self._slots(len(self._tables), self._keys[waiting])
            table[slots] = waiting
            self._tables.append(table)
            waiting = waiting[table[slots] != waiting]

    def find(self, words: Places) -> Ints:
        """The number of each word, -1 where it is not in the table."""
        keys = words.keys()
        out = np.full(len(keys), -1, np.int32)
        left = np.arange(len(keys))
        for level, table in enumerate(self._tables):
            found = table[self._slots(level, keys)]
            fits = self._keys[found] == keys
            out[left] = np.where(fits, found, np.int32(-1))
            missed = np.flatnonzero(~fits & (found != self._empty))  # at an empty slot no search goes on
            left, keys = left[missed], keys[missed]
        return out

    @staticmethod
    def _slots(level: int, keys: Keys) -> Keys:
        return keys >> np.uint64(64 - BITS - 9 * level) & np.uint64((1 << BITS) - 1)
