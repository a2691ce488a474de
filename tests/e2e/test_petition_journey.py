"""A petition from the citizen's form to the published reply, in real browsers against a real hub; and the same matter
by every other channel, on the same path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect
from sqlalchemy import select

import wiring
from cases.models import Case, Classification, Submission
from core.clock import Clock
from core.config import load_settings
from core.database import Database
from core.web.parts import Parts
from intake.forms import CallForm, take_call
from organisations.models import Account
from organisations.people import actor_for
from tests.e2e.conftest import Browsers, Watched
from tests.e2e.running import RunningHub, until

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
    expect(side.locator(".lx-review__conf").get_by_text(re.compile(r"\d+%"))).to_be_visible()
    expect(page.locator(".lx-review__text mark").first).to_be_visible()
    officer.picture("05-review")
    page.get_by_role("link", name=re.compile("^修改")).click()
    page.locator("#category").select_option("城乡建设|城市建设和市政管理|城管执法")
    officer.picture("06-correct")
    page.locator(".lx-review__step button[type=submit]").last.click()
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
    act(page, "填写反馈")
    page.locator("#report").fill(REPORT)
    page.locator("#answer").fill(ANSWER)
    handler.picture("10-feed-back")
    page.locator("section[aria-labelledby=step] button[type=submit]").click()
    expect(page.get_by_text("待认定").first).to_be_visible()


def confirms(officer: Watched) -> None:
    """The assigner accepts the result; the answer goes to the citizen."""
    page = officer.go("/work/")
    page.get_by_role("region", name="等您认定").get_by_role("link", name=re.compile("全部")).click()
    page.get_by_role("link", name=re.compile(WORDS)).first.click()
    act(page, "认定并答复群众")
    officer.picture("11-confirm")
    page.locator("section[aria-labelledby=step] button[type=submit]").click()
    expect(page.get_by_text("待群众确认").first).to_be_visible()


def sees_and_rates(citizen: Watched, number: str, code: str) -> None:
    """Number and code show the answer; the citizen says that it is solved."""
    page = citizen.go("/progress")
    if page.get_by_role("button", name="退出查询").is_visible():
        page.get_by_role("button", name="退出查询").click()
    page.get_by_role("textbox", name="诉求编号").fill(number)
    page.get_by_role("textbox", name="查询码").fill(code)
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
    act(page, "提出公开答复")
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


# --- the same matter by every channel ---------------------------------------------------------------------------------

MATTER = "织造街夜市的音响每晚响到一点，孩子睡不着。请管一管，按规定的时间关掉。"
WHERE = "织造街夜市东口"


def answer_of(response: requests.Response) -> str:
    """The words that the provider hands to the sender."""
    assert response.status_code == 200, response.text
    content = re.search(r"<Content><!\[CDATA\[(.*?)\]\]></Content>", response.text, re.DOTALL)
    return content[1] if content else "\n".join(re.findall(r"<Message>(.*?)</Message>", response.text, re.DOTALL))


def number_in(answer: str) -> str:
    found = re.search(r"\d{6} \d{3} \d{4}", answer)
    assert found, answer
    return found[0].replace(" ", "")


def by_wechat(hub: RunningHub) -> str:
    for count, words in enumerate((MATTER, WHERE, "没有"), 1):
        answer_of(hub.wechat("oJOURNEY000000000000000001", words, 9000 + count))
    return number_in(answer_of(hub.wechat("oJOURNEY000000000000000001", "确认", 9100)))


def by_sms(hub: RunningHub) -> str:
    answer_of(hub.sms("+8619900008834", MATTER, "SM" + "a" * 31 + "1"))
    answer_of(hub.sms("+8619900008834", WHERE, "SM" + "a" * 31 + "2"))
    return number_in(answer_of(hub.sms("+8619900008834", "确认", "SM" + "a" * 31 + "3")))


def by_desk(parts: Parts) -> str:
    db, clock = parts.get(Database), parts.get(Clock)
    with db.read() as session:
        account = session.scalars(select(Account.id).where(Account.username == "fang.yating")).one()
        agent = actor_for(session, account, clock.now())
    call = CallForm(body=MATTER, place=WHERE, number="19900008845", name="秋禾")
    return take_call(db, clock, agent, call, "journey-of-a-call").submission.number


@pytest.mark.chromium
def test_the_same_matter_by_every_channel_takes_the_same_path(
    hub: RunningHub, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hub.settings.items():
        monkeypatch.setenv(name, value)
    parts = wiring.build(load_settings())
    numbers = {"wechat": by_wechat(hub), "sms": by_sms(hub), "hotline": by_desk(parts)}
    db = parts.get(Database)

    def taken(number: str) -> tuple[Submission, Case, Classification | None]:
        with db.read() as session:
            submission = session.scalars(select(Submission).where(Submission.number == number)).one()
            case = session.scalars(select(Case).where(Case.number == number)).one()
            said = session.scalar(select(Classification).where(Classification.case_id == case.id))
            return submission, case, said

    until(lambda: all(taken(number)[2] is not None for number in numbers.values()), "all are classified")
    found = {channel: taken(number) for channel, number in numbers.items()}
    db.dispose()
    assert {channel: submission.channel for channel, (submission, _case, _said) in found.items()} == {
        channel: channel for channel in numbers
    }
    first, *others = [path_of(*rows) for rows in found.values()]
    assert others == [first] * len(others)
    officer = browsers.staff(OFFICER)
    for channel, number in numbers.items():
        page = officer.go(f"/work/cases/{found[channel][1].id}")
        expect(page.get_by_text(MATTER[:12]).first).to_be_visible()
        assert number
    officer.picture("19-by-message")


def path_of(submission: Submission, case: Case, said: Classification | None) -> dict[str, object]:
    """What must not depend on the channel: the words, where it is, what it is thought to be, who has it and why."""
    assert said is not None
    return {
        "title": submission.title_masked, "body": submission.body_masked, "place": submission.place_masked,
        "area": submission.area_id, "category": (case.level1, case.level2, case.level3), "nature": case.nature,
        "urgent": case.urgent, "lead": case.lead_id, "proposed": said.organisation_id, "automatic": said.automatic,
        "reasons": sorted(set(said.reasons) - {"copy"}), "confidence": said.confidence, "model": said.model_version,
    }  # fmt: skip
