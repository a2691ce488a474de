"""Office files are zip archives: refused, before anything is unpacked, when they would swell or hold a way out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

MOST_MEMBERS = 5_000
MOST_UNPACKED = 300_000_000
MOST_RATIO = 200
_SMALL = 5_000_000  # a repetitive small table may be packed tightly and hurts nobody


class Unsafe(Exception):
    """An archive that is broken, encrypted, or would unpack to far more than it is. `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def office_members(source: bytes | Path) -> tuple[str, ...]:
    """The names inside an office archive. Raises Unsafe: broken, encrypted, bomb, path.

    Sizes are those of the directory; zipfile never unpacks a member beyond its stated size.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Unsafe("broken") from error
    packed = len(source) if isinstance(source, bytes) else source.stat().st_size
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED:
        raise Unsafe("bomb")
    if unpacked > _SMALL and unpacked > MOST_RATIO * max(packed, 1):
        raise Unsafe("bomb")
    if any(member.flag_bits & 1 for member in members):
        raise Unsafe("encrypted")
    names = tuple(member.filename for member in members)
    if any(name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") for name in names):
        raise Unsafe("path")
    return names
