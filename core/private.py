"""Small files that only their owner may read: keys, the demonstration's passwords."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_private(path: Path, values: Mapping[str, str]) -> None:
    """Put a JSON file (mode 0600) in the place of the present one, whole or not at all."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(dict(values), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
