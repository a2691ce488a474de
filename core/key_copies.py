"""The keys that belong to a backup: copied to a file elsewhere, and compared with those that it was made under."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.config import Settings
from core.crypto import KeyRing, keys_at_hand, keys_path, proof
from core.manifests import BackupError, read_manifest


def described(ring: KeyRing) -> dict[str, Any]:
    """What a manifest says of the keys: their ids and a proof of each, from which no key can be found."""
    return {
        "key_ids": [key_id for key_id, _key in ring.field_keys], "index_key_id": ring.index_key[0],
        "key_proofs": {key_id: proof(key) for key_id, key in ring.field_keys},
        "index_key_proof": proof(ring.index_key[1]),
    }  # fmt: skip


def refuse_target(settings: Settings, folder: Path, target: Path) -> None:
    """Raise BackupError when the keys can't be copied to a file; one that holds the same already will do."""
    if folder.absolute() in target.absolute().parents:
        raise BackupError("The keys must not lie beside what they open: name a file outside the backup's folder.")
    source = keys_path(settings.data_dir)
    if not source.exists():
        raise BackupError("This hub's keys stand in its settings, not in a file: keep those settings safe instead.")
    if not target.parent.is_dir():
        raise BackupError(f"{target.parent} is no folder: make it first, or name another file for the keys.")
    if target.exists() and target.read_bytes() != source.read_bytes():
        raise BackupError(
            f"{target} exists already and holds something else, such as keys before a rotation, which earlier backups "
            "need. Name a new file for the keys; nothing was written."
        )


def copy_keys(source: Path, target: Path) -> None:
    """Copy a keys file, readable by its owner alone; what is half written is taken away. One that is there stays."""
    if target.exists():
        return
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            target.unlink()
            raise


def refuse_unreadable(settings: Settings, manifest: Mapping[str, Any], keys: Path | None) -> None:
    """Raise BackupError when the keys at hand (a file, the settings, the data folder's) are not those of the backup."""
    if missing := lacking(settings, manifest, keys):
        raise BackupError(
            f"The keys of this backup are missing, or other keys stand under their ids ({', '.join(missing)}): nothing "
            "was written. Name the file that they were saved to with --keys; --without-keys restores it all the same, "
            "and what they sealed can't be read."
        )


def lacking(settings: Settings, manifest: Mapping[str, Any], keys: Path | None) -> list[str]:
    """The ids of the keys of a backup that are not at hand. Raises SettingsError for a file or a key that is none."""
    return _lacking(manifest, *keys_at_hand(settings, keys or keys_path(settings.data_dir)))


def missing_keys(folder: Path, ring: KeyRing) -> list[str]:
    """The ids of keys that a backup was made under and this ring has not: what they sealed can't be read."""
    return _lacking(read_manifest(folder), dict(ring.field_keys), dict([ring.index_key]))


def _lacking(manifest: Mapping[str, Any], field: Mapping[str, bytes], index: Mapping[str, bytes]) -> list[str]:
    wanted = [(field, key_id, manifest["key_proofs"][key_id]) for key_id in manifest["key_ids"]]
    wanted.append((index, manifest["index_key_id"], manifest["index_key_proof"]))
    return [key_id for held, key_id, shown in wanted if key_id not in held or proof(held[key_id]) != shown]
