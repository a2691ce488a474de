"""What could not be taken in, in a file beside the imported one."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Self, TextIO

from flask_babel import gettext as _

from core.errors import Invalid
from core.sheets import FORMULA_HEADS
from intake.importing.tables import Line

_HEADER = ("行号", "原因", "原内容")


class RejectedRows:
    """The rejected rows in a file, each with its reason; no file when there are none.

    Raises Invalid where the file can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._file: TextIO | None = None

    @property
    def written(self) -> Path | None:
        """The file, if there is one."""
        return self.path if self.count else None

    def __enter__(self) -> Self:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable() from error
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, line: Line, reason: str) -> None:
        """Write one row down; what a spreadsheet would take for a formula gets an apostrophe before it."""
        cells = [f"'{cell}" if cell.lstrip(" ").startswith(FORMULA_HEADS) else cell for cell in line.cells]
        try:
            if self._file is None:
                # What citizens wrote: for the user who imports, and nobody beside.
                handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                self._file = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
                csv.writer(self._file).writerow(_HEADER)
            csv.writer(self._file).writerow([line.number, reason, *cells])
        except OSError as error:
            raise self._unwritable() from error
        self.count += 1

    def _unwritable(self) -> Invalid:
        return Invalid(
            {"file": _("%(name)s 写不进去，没有继续导入。请把文件复制到可写的文件夹再导入。", name=self.path.name)}
        )
