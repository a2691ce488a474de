"""Text as the model reads it: Han characters only, simplified, at the length of the original.

Everything else (punctuation, figures, Latin, emoji) becomes a space, so that a place in the folded text is the same
place in the original. A text with characters that show nothing, or that stand for several, is normalised first and its
places are mapped back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from classifier.english import FEWEST
from core.text.normalise import Normalised, normalise, simplified

SPACE = 0x20
_HAN_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))
_KEPT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85")
Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Folded:
    """One folded text; `normal` is set when places must be mapped back through it, `size` the original's length."""

    text: str
    size: int
    normal: Normalised | None = None

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of the original that gave this range of the folded text."""
        return (start, end) if self.normal is None else self.normal.to_original(start, end)


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """For each code of the basic plane: what it folds to, and whether it needs normalising first."""
    folds = np.full(0x10000, SPACE, np.uint16)
    needs = np.zeros(0x10000, np.bool_)
    for first, end in _HAN_BLOCKS:
        block = simplified(unicodedata.normalize("NFKC", "".join(map(chr, range(first, end)))))
        codes = np.array([ord(char) for char in block], np.uint32)
        folds[first:end] = np.where(codes < 0x10000, codes, SPACE).astype(np.uint16)
    for code in range(0x10000):
        char = chr(code)
        kind = unicodedata.category(char)
        if kind in ("Cf", "Cs") or kind[0] == "M" or (kind == "Cc" and char not in _KEPT_CONTROLS):
            needs[code] = True
    # Marks for Han that stand apart: radicals and the like, which compatibility turns into the character itself.
    for code in (*range(0x2E80, 0x2FE0), *range(0x3200, 0x3400), *range(0xFE30, 0xFE50)):
        whole = unicodedata.normalize("NFKC", chr(code))
        if any(0x3400 <= ord(char) < 0xA000 for char in whole):
            needs[code] = True
    return folds, needs


def codes_of(text: str) -> Codes:
    """The code points of a text, those beyond the basic plane as a space."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes if not len(codes) or codes.max() < 0x10000 else np.where(codes < 0x10000, codes, np.uint32(SPACE))


@dataclass(frozen=True, slots=True)
class Batch:
    """Many fields folded at once and joined by newlines, as text and as codes.

    `ends` is the place after each field, where its newline stands; `normals` has the fields whose places must be mapped
    back, by their number; `latin` the text of those with enough Latin letters to be looked at for English.
    """

    joined: str
    codes: npt.NDArray[np.uint16]
    ends: npt.NDArray[np.int64]
    normals: dict[int, Normalised]
    latin: dict[int, str]


def fold_all(texts: Sequence[str]) -> Batch:
    """The fields of a batch, folded in one pass; those that need it are normalised first."""
    folds, needs = _tables()
    codes, ends = _joined(texts)
    wanting = np.flatnonzero(needs[codes])
    fields = np.unique(np.searchsorted(ends, wanting)).tolist()
    normals = {number: normalise(texts[number]) for number in fields}
    if normals:
        codes, ends = _joined([normals[n].text if n in normals else text for n, text in enumerate(texts)])
    out = folds[codes]
    out[ends[:-1]] = ord("\n")
    letters = _letters()[codes]
    pairs = np.flatnonzero(letters[:-1] & letters[1:])
    counts = np.bincount(np.searchsorted(ends, pairs), minlength=len(texts))
    latin = {n: normals[n].text if n in normals else texts[n] for n in np.flatnonzero(counts >= FEWEST).tolist()}
    return Batch(out.tobytes().decode("utf-16-le", "replace"), out, ends, normals, latin)


@lru_cache(maxsize=1)
def _letters() -> npt.NDArray[np.bool_]:
    """For each code of the basic plane whether it is a Latin letter, of full width too."""
    letters = np.zeros(0x10000, np.bool_)
    for first, last in ("AZ", "az", "ＡＺ", "ａｚ"):
        letters[ord(first) : ord(last) + 1] = True
    return letters


def _joined(texts: Sequence[str]) -> tuple[Codes, npt.NDArray[np.int64]]:
    ends = np.fromiter(map(len, texts), np.int64, len(texts)).cumsum() + np.arange(len(texts))
    return codes_of("\n".join(texts)), ends


def fold(text: str) -> Folded:
    """A text as the model reads it. Pure; never raises on any text."""
    folds, needs = _tables()
    codes = codes_of(text)
    normal = None
    if needs[codes].any():
        normal = normalise(text)
        codes = codes_of(normal.text)
    folded = folds[codes].tobytes().decode("utf-16-le", "replace")
    return Folded(folded, len(text), normal)
