"""The workbench's cases at every stage, for tests about whoever has no business with them."""

from __future__ import annotations

from tests.workbench.conftest import file_given, wb

__all__ = ["file_given", "wb"]
