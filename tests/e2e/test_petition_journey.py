"""A petition from the citizen's form to the published reply, in real browsers against a real hub; and the same matter
by every other channel, on the same path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Browsers, Watched

TITLE = "工地凌晨还在打桩，整夜睡不着"
BODY = (
    "贡院巷东侧的工地连续四晚打桩到凌晨三点，床都跟着抖。家里老人有心脏病，随时可能发作。"
    "打过报警电话，警察走了又开工。请查清有没有夜间施工许可，按规定的时间施工。"
)
WORDS = "工地凌晨还在打桩"
PLACE = "桂坊街道贡院巷东侧工地"
REPORT = "已到工地核查：没有夜间施工许可，已责令二十二时至次日六时停工并立案，现场照片附后。"
ANSWER = (
    "经查，该工地没有办理夜间施工许可，我局已责令其二十二时至次日六时停止打桩，并依法立案处罚。"
    "值班队员今后每晚到场巡查，再有夜间施工，请拨打二十四小时值班电话，半小时内到场。"
)
OFFICER, HANDLER, PUBLISHER = "pei.zhengyu", "huo.yan", "zhuang.xiaoli"


def act(page: Page, name: str) -> None:
    """Press one of the buttons or links under 可以做的事."""
    box = page.get_by_role("region", name="可以做的事")
    box.get_by_role("button", name=re.compile(rf"^{name}")).or_(
        box.get_by_role("link", name=re.compile(rf"^{name}"))
    ).first.click()


@pytest.mark.chromium
def test_a_petition_from_form_to_published_reply(browsers: Browsers, photo: bytes, tmp_path: Path) -> None:
    picture = tmp_path / "工地照片.jpg"
    picture.write_bytes(photo)
    citizen = browsers.new()
    number, code = submits(citizen, picture)
    officer = browsers.staff(OFFICER)
    corrects(officer, number)
    handler = browsers.staff(HANDLER)
    handles(handler, picture)
    confirms(officer)
    sees_and_rates(citizen, number, code)
    publishes(officer, browsers.staff(PUBLISHER), browsers.new())


def submits(citizen: Watched, picture: Path) -> tuple[str, str]:
    """The form with a photograph, the step with similar replies, number and query code."""
    citizen.go("/")
    citizen.picture("01-home")
    page = citizen.go("/submit")
    page.get_by_label("用一句话概括").fill(TITLE)
    page.get_by_label("详细说说").fill(BODY)
    expect(page.locator("[data-lx-similar] a").first).to_be_visible()
    page.get_by_label("详细地点").fill(PLACE)
    page.get_by_label("添加文件").set_input_files(picture)
    page.get_by_text("实名", exact=True).click()
    page.get_by_label("您的姓名").fill("陶清荷")
    page.get_by_label("手机号").fill("19900008812")
    page.get_by_text("可以公开", exact=True).click()
    citizen.picture("02-submit")
    page.get_by_role("button", name="提交诉求").last.click()
    step = page.get_by_role("button", name="没有解决，提交诉求")
    receipt = page.get_by_role("heading", name="收到了，我们会转给负责的部门")
    expect(step.or_(receipt)).to_be_visible()
    if step.is_visible():
        citizen.picture("03-similar")
        step.click()
    expect(receipt).to_be_visible()
    citizen.picture("04-done")
    values = page.locator(".lx-receipt dd")
    return values.nth(0).inner_text(), values.nth(1).inner_text()


def corrects(officer: Watched, number: str) -> None:
    """The queue, why it waits there, the category put right, sent to another office than proposed."""
    page = officer.until_shown("/work/review", WORDS)
    page.get_by_role("link", name=re.compile(WORDS)).first.click()
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    side = page.get_by_role("complementary", name="分流建议")
    expect(side.get_by_text("依据（已在原文标出）")).to_be_visible()
    expect(side.get_by_text(re.compile("把握")).first).to_be_visible()
    expect(page.locator(".lx-review__text mark").first).to_be_visible()
    officer.picture("05-review")
    page.get_by_role("link", name=re.compile("^修改")).click()
    page.locator("#category").select_option(label="城管执法")
    officer.picture("06-correct")
    page.locator("#step ~ a, .lx-review__step button[type=submit]").last.click()
    page.get_by_role("link", name=re.compile("其他部门")).click()
    page.get_by_label("查找单位").fill("cgj")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("radio", name=re.compile("^市城管局")).check()
    officer.picture("07-redispatch")
    page.locator(".lx-review__step button[type=submit]").last.click()
    expect(page.get_by_text(re.compile("已派往市城管局"))).to_be_visible()
    assert number


def handles(handler: Watched, picture: Path) -> None:
    """The office signs, adds its evidence, feeds back."""
    page = handler.go("/work/")
    handler.picture("08-home")
    page.get_by_role("link", name=re.compile(WORDS)).first.click()
    act(page, "签收")
    expect(page.get_by_text("已签收").first).to_be_visible()
    page.get_by_text("上传附件").click()
    page.get_by_label("选择文件").set_input_files(picture)
    page.get_by_role("button", name="上传", exact=True).click()
    expect(page.get_by_text("附件 2 个")).to_be_visible()
    handler.picture("09-case")
    act(page, "反馈")
    page.locator("#report").fill(REPORT)
    page.locator("#answer").fill(ANSWER)
    handler.picture("10-feed-back")
    page.locator("section[aria-labelledby=step] button[type=submit]").click()
    expect(page.get_by_text("待认定").first).to_be_visible()


def confirms(officer: Watched) -> None:
    """The assigner accepts the result; the answer goes to the citizen."""
    page = officer.until_shown("/work/", WORDS)
    page.get_by_role("link", name=re.compile(WORDS)).first.click()
    act(page, "认定")
    officer.picture("11-confirm")
    page.locator("section[aria-labelledby=step] button[type=submit]").click()
    expect(page.get_by_text("待群众确认").first).to_be_visible()


def sees_and_rates(citizen: Watched, number: str, code: str) -> None:
    """Number and code show the answer; the citizen says that it is solved."""
    page = citizen.go("/progress")
    if page.get_by_role("button", name="退出查询").is_visible():
        page.get_by_role("button", name="退出查询").click()
    page.get_by_label("诉求编号").fill(number)
    page.get_by_label("查询码").fill(code)
    page.get_by_role("button", name="查进度").click()
    expect(page.get_by_text(ANSWER[:20])).to_be_visible()
    citizen.picture("12-progress")
    page.get_by_text("解决了", exact=True).click()
    page.get_by_text("联系过", exact=True).click()
    page.locator("input[name=score][value='5']").check(force=True)
    citizen.picture("13-rating")
    page.get_by_role("button", name="确认并评价").click()
    expect(page.get_by_role("heading", name="您的评价")).to_be_visible()
    citizen.picture("14-closed")


def publishes(officer: Watched, publisher: Watched, anybody: Watched) -> None:
    """Proposed by one, released by another, found by everybody."""
    page = officer.page
    page.reload()
    expect(page.get_by_text("办结").first).to_be_visible()
    officer.picture("15-case-closed")
    act(page, "提出公开")
    page.locator("section[aria-labelledby=step] button[type=submit]").click()
    page = publisher.until_shown("/work/replies", WORDS)
    page.get_by_role("link", name=re.compile(WORDS)).first.click()
    publisher.picture("16-release")
    page.get_by_role("button", name="核对无误，发布").click()
    page = anybody.until_shown("/replies?q=工地凌晨打桩", WORDS)
    anybody.picture("17-replies")
    page.get_by_role("link", name=re.compile("工地凌晨")).first.click()
    expect(page.get_by_text(ANSWER[:20])).to_be_visible()
    anybody.picture("18-reply")
