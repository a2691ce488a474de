"""What is good enough for a new password."""

from __future__ import annotations

import pytest

from organisations.errors import Invalid
from organisations.passwords import check_new


@pytest.mark.parametrize(
    "password",
    ["password1234", "password12345", "Password2026!", "1234567890!!", "lianxin2026", "p@ssw0rd-2026", "Admin!!888888"],
)
def test_common_ones_with_other_figures_behind_are_common(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_new(password, "huo.yan")
    assert "太常见" in caught.value.fields["password"]


@pytest.mark.parametrize(
    "password", ["tangchuan lamp 7", "84716302951", "gx7kq2mvn9wz", "abnormal2026!", "a7391840265"]
)
def test_others_are_taken(password: str) -> None:
    check_new(password, "huo.yan")
