"""The town, in a database of the kind that the suite runs on."""

from __future__ import annotations

import pytest
from town import Town, make_town

from core.database import Database


@pytest.fixture
def town(db: Database) -> Town:
    """The town under the strictest of the shipped policies."""
    return make_town(db)


@pytest.fixture
def meizhou(db: Database) -> Town:
    """The town under the policy of reminders and three colours of cards."""
    return make_town(db, "meizhou")
