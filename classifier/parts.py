"""What a model is made of, and how it lies in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.errors import DamagedModel
from classifier.heads import Curve, Floats, PlainHead, RatioHead
from classifier.store import as_text, text_array
from classifier.taxonomy import Taxonomy, taxonomy_of
from classifier.vectors import Vocabulary

NATURES = ("咨询", "求助", "投诉", "举报", "建议", "表扬")
BESIDE_SCALE = 0.4
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Curves and thresholds, found on held-out rows. Thresholds of confidence lie between 0 and 1."""

    seven: Curve
    fifteen: Curve
    level2: Curve
    auto_seven: float
    auto_fifteen: float
    accusation: float  # score above which a text counts as a possible accusation
    urgent: float  # score above which a text counts as urgent


@dataclass(frozen=True, slots=True)
class Parts:
    """A fitted model. `level2` has one column for each (level1, level2) of the taxonomy, in its order."""

    taxonomy: Taxonomy
    vocabulary: Vocabulary
    seven: RatioHead
    fifteen: RatioHead
    level2: PlainHead
    nature: PlainHead
    accusation: PlainHead
    urgent: PlainHead
    settings: Settings


HEADS = ("seven", "fifteen", "level2", "nature", "accusation", "urgent")


def to_arrays(parts: Parts) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the description that classifier.store keeps."""
    arrays: dict[str, Array] = {
        "words": text_array("\n".join(parts.vocabulary.words)),
        "chars": text_array(parts.vocabulary.chars),
        "title_ids": parts.vocabulary.title_ids,
        "idf": parts.vocabulary.idf,
    }
    about: dict[str, Any] = {
        "taxonomy": [list(path) for path in parts.taxonomy.paths],
        "settings": asdict(parts.settings),
    }
    for name in HEADS:
        head = getattr(parts, name)
        about[name] = list(head.classes)
        arrays[f"{name}_bias"] = head.bias
        arrays[f"{name}_weights"] = head.weights.astype(np.float16)
        if isinstance(head, RatioHead):
            arrays[f"{name}_squares"] = head.squares.astype(np.float16)
            arrays[f"{name}_beside"] = head.beside.astype(np.float16)
    return arrays, about


def from_arrays(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> Parts:
    """The model back from what `to_arrays` gave. Raises DamagedModel when something is absent or of another shape."""
    try:
        return _from_arrays(arrays, about)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DamagedModel("分类模型的内容不完整或不是本系统的模型，请用本版重新训练（./hub train）。") from error


def _from_arrays(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> Parts:
    words = as_text(arrays["words"])
    vocabulary = Vocabulary(
        tuple(words.split("\n")) if words else (),
        as_text(arrays["chars"]),
        arrays["title_ids"].astype(np.int32),
        _floats(arrays["idf"]),
    )
    if len(vocabulary.idf) != vocabulary.size:
        raise ValueError("idf")
    values = dict(about["settings"])
    values.update({name: Curve(**values[name]) for name in ("seven", "fifteen", "level2")})

    def ratio(name: str) -> RatioHead:
        return RatioHead(
            tuple(about[name]),
            _matrix(arrays[f"{name}_squares"], vocabulary.size, about[name]),
            _matrix(arrays[f"{name}_weights"], vocabulary.size, about[name]),
            _floats(arrays[f"{name}_bias"]),
            _floats(arrays[f"{name}_beside"]),
        )

    def plain(name: str) -> PlainHead:
        weights = _matrix(arrays[f"{name}_weights"], vocabulary.size, about[name])
        return PlainHead(tuple(about[name]), weights, _floats(arrays[f"{name}_bias"]))

    return Parts(
        taxonomy_of((path[0], path[1], path[2]) for path in about["taxonomy"]),
        vocabulary,
        ratio("seven"),
        ratio("fifteen"),
        plain("level2"),
        plain("nature"),
        plain("accusation"),
        plain("urgent"),
        Settings(**values),
    )


def _floats(array: Array) -> Floats:
    return np.ascontiguousarray(array.astype(np.float32))


def _matrix(array: Array, rows: int, classes: list[str]) -> Floats:
    if array.shape != (rows, len(classes)):
        raise ValueError("shape")
    return _floats(array)
