"""A model in a file: arrays and one JSON text in a .npz, and beside it the file's SHA-256.

Nothing in the file is code: arrays are read with pickling off, the texts as UTF-8. The same content gives the same
bytes (fixed dates, fixed order), so that a training can be repeated and compared.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.errors import DamagedModel

FORMAT = 1
_DATE = (1980, 1, 1, 0, 0, 0)
Array = npt.NDArray[Any]


def save(path: Path, arrays: Mapping[str, Array], about: Mapping[str, Any]) -> str:
    """Write a model and its manifest (the same name ending in .json); gives the version."""
    buffer = io.BytesIO()
    content = {**arrays, "about": _as_bytes(json.dumps(about, ensure_ascii=False, sort_keys=True))}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in sorted(content):
            entry = zipfile.ZipInfo(f"{name}.npy", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open(entry, "w") as out:
                np.lib.format.write_array(out, np.ascontiguousarray(content[name]), allow_pickle=False)
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    manifest = {"format": FORMAT, "sha256": digest, "size": len(data), "version": version_of(digest)}
    path.with_suffix(".json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return version_of(digest)


def load(path: Path) -> tuple[dict[str, Array], dict[str, Any], str]:
    """The arrays, the description and the version of a model. Raises DamagedModel when it is not as it was written."""
    try:
        data = path.read_bytes()
        manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        expected, form = str(manifest["sha256"]), int(manifest["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedModel(f"分类模型 {path.name} 或其校验文件无法读取，请重新安装或训练（./hub train）。") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected:
        raise DamagedModel(f"分类模型 {path.name} 与校验值不符，可能已损坏或被改动，请重新安装或重新训练。")
    if form != FORMAT:
        raise DamagedModel(
            f"分类模型 {path.name} 是第 {form} 版格式，本系统只认第 {FORMAT} 版，请重新训练（./hub train）。"
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(as_text(arrays.pop("about")))
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise DamagedModel(f"分类模型 {path.name} 的内容无法读取，请重新训练（./hub train）。") from error
    return arrays, about, version_of(digest)


def version_of(digest: str) -> str:
    """The short name of a model by its SHA-256."""
    return f"lx{FORMAT}-{digest[:12]}"


def text_array(text: str) -> Array:
    """A text as an array of bytes."""
    return _as_bytes(text)


def as_text(array: Array) -> str:
    """The text in an array of bytes."""
    return array.astype(np.uint8).tobytes().decode("utf-8")


def _as_bytes(text: str) -> Array:
    return np.frombuffer(text.encode("utf-8"), np.uint8)
