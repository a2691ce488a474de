"""Writes the initial revision again from the models; only while nothing has been released.

.venv/bin/python migrations/renew_initial.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from alembic import command

from core.schema import MIGRATIONS, config


def main() -> None:
    """Replace the initial revision. Raises SystemExit when there is a second one: then write a new revision instead."""
    versions = sorted((MIGRATIONS / "versions").glob("*.py"))
    if any(not file.name.startswith("0001_") for file in versions):
        raise SystemExit("There are later revisions: add one with a number of its own.")
    for file in versions:
        file.unlink()
    settings = config()
    with tempfile.TemporaryDirectory() as folder:
        settings.attributes["url"] = f"sqlite:///{folder}/empty.db"
        command.revision(settings, "initial", autogenerate=True, rev_id="0001")


if __name__ == "__main__":
    main()
