"""Words about conduct near an organisation's name."""

from __future__ import annotations

import pytest

from cases.conduct import CONDUCT_WORDS, complained_of

NAMES = {"东湖区城市管理局", "东湖城管", "城管", "城管队员"}


@pytest.mark.parametrize(
    "text",
    [
        "东湖区城市管理局一直不作为",
        "反映了三次，态度恶劣的就是东湖城管",
        "城管队员",
        "城管的人收钱放行",
        "去了城管那边说过好几回了今年春天到现在快一年的时间里面一次都没有来看过就是在推诿",
    ],
)
def test_a_complaint_about_them_is_seen(text):
    assert complained_of(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "希望城管清理占道经营",
        "房东态度恶劣，不退押金",
        "",
        "请城管来看看。" + "路边的树倒了很久没有清理，下雨天很危险，行人只能走到车道上去。" + "隔壁老板推诿",
    ],
)
def test_what_is_not_about_them_is_not(text):
    assert not complained_of(text, NAMES)


def test_words_and_names_are_plain_values():
    assert complained_of("甲乙局摸鱼", {"甲乙局"}, words={"摸鱼"})
    assert not complained_of("甲乙局推诿", {"甲乙局"}, words={"摸鱼"})
    assert not complained_of("甲乙局推诿", set())
    assert {"不作为", "推诿", "收钱", "态度", "工作人员"} <= CONDUCT_WORDS
