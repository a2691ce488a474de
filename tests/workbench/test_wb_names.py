"""Every code that staff may meet has a word: no page shows "settle" for want of one."""

from __future__ import annotations

from typing import Any

import pytest

from cases.deadlines import SHIPPED
from workbench.queries import names

KINDS = sorted({policy.kind for rows in SHIPPED.values() for policy in rows})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_clock_has_a_word(app: Any, kind: str) -> None:
    with app.test_request_context("/"):
        assert names.clock_kind(kind) != kind
