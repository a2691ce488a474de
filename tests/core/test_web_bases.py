"""The bases take no name from the pages that extend them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.web.setup import HERE


@pytest.mark.parametrize("base", ["portal_base.html", "work_base.html"])
def test_what_a_base_sets_has_a_name_of_its_own(base: str) -> None:
    text = (Path(HERE) / "templates" / base).read_text()
    names = set(re.findall(r"{%-?\s*set (\w+)", text))
    assert names
    assert all(name.startswith("lx_") for name in names), names
