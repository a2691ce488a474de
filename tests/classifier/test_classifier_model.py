"""The shipped model on sentences of our own: classes, flags, evidence in place, texts that are none."""

from __future__ import annotations

import pytest

from classifier.errors import UnknownCategory
from classifier.model import SHIPPED, Classifier, petition_kind

PLAIN = [
    ("小学学位不够", "我们片区的小学今年招生名额太少，孩子报不上名，请教育局安排就近入学。", "教育文体"),
    ("化工厂半夜排黑烟", "村口化工厂每天夜里排放黑烟，气味刺鼻，污水直接流进河里，请环保部门查处。", "环境保护"),
    ("老板欠薪三个月", "在工地干了半年，老板拖欠工资三个月，劳动合同也没签，社保也没有交。", "劳动和社会保障"),
    ("医院乱开检查", "在县医院住院，医生开了一堆检查，医保报销比例也说不清。", "卫生计生"),
    ("出租车拒载", "火车站的出租车拒载，不打表，客运管理处也不管，请交通运输部门整治出租车营运。", "交通运输"),
    ("办身份证跑了三趟", "在派出所办户口迁移和身份证，户籍窗口每次都说材料不够。", "政法"),
]


@pytest.mark.parametrize(("title", "body", "level1"), PLAIN)
def test_plain_petitions_go_to_their_class(shipped: Classifier, title: str, body: str, level1: str) -> None:
    said = shipped.suggest(title, body)
    assert said.category[0] == level1
    assert said.is_text
    assert said.alternatives[0] == (*said.category[:2], said.confidence)
    assert len({other[0] for other in said.alternatives}) == 3
    assert list(said.confidences) == sorted(said.confidences, reverse=True)
    assert said.version == shipped.version


@pytest.mark.parametrize(("title", "body", "level1"), PLAIN)
def test_evidence_points_at_words_of_the_text(shipped: Classifier, title: str, body: str, level1: str) -> None:
    said = shipped.suggest(title, body)
    assert 1 <= len(said.evidence) <= 6
    words = [{"title": title, "body": body}[field][start:end] for field, start, end, _ in said.evidence]
    assert all(len(word) >= 1 and word.strip() for word in words)
    weights = [piece[3] for piece in said.evidence]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0


def test_evidence_keeps_its_place_when_the_text_holds_invisible_and_traditional_characters(shipped: Classifier) -> None:
    body = "物\u200b業公司亂收費，電\u200b梯壞了三天沒人修。"
    said = shipped.suggest("", body)
    words = {body[start:end].replace("\u200b", "") for _, start, end, _ in said.evidence}
    assert words & {"物業", "電梯", "物業公司", "收費", "亂收費"}


def test_traditional_characters_change_nothing(shipped: Classifier) -> None:
    simple = shipped.suggest("电梯坏了", "小区电梯坏了三天没人修，物业公司不管。")
    old = shipped.suggest("電梯壞了", "小區電梯壞了三天沒人修，物業公司不管。")
    assert simple == old


def test_among_limits_the_first_level(shipped: Classifier) -> None:
    title, body, _ = PLAIN[0]
    assert shipped.suggest(title, body, ["环境保护", "交通运输"]).category[0] in ("环境保护", "交通运输")
    assert shipped.suggest(title, body, ["政法", "民政"]).category[0] in ("政法", "民政")
    only = shipped.suggest(title, body, ["政法"])
    assert only.category[0] == "政法"
    assert only.alternatives[0][0] == "政法"


@pytest.mark.parametrize("among", [[], [""], ["不存在的分类"], ["政法", "不存在的分类"]])
def test_an_unknown_class_among_is_refused(shipped: Classifier, among: list[str]) -> None:
    with pytest.raises(UnknownCategory) as caught:
        shipped.suggest("路灯坏了", "路灯坏了三天了", among)
    assert "政法" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "你好",
        "🙂🙂🙂🙂🙂🙂🙂🙂",
        "wo yao tou su xiao qu wu ye luan shou fei",
        "The street lamp at the corner has been broken for three weeks, please fix it.",
        "街灯が壊れています。三週間もこのままで、とても暗くて危ないので、はやく直してください。",
        "가로등이 고장났습니다. 빨리 고쳐 주세요.",
        "\x00\x01\ud800 \u202e",
    ],
)
def test_what_is_not_chinese_text_is_never_confident(shipped: Classifier, text: str) -> None:
    said = shipped.suggest("", text)
    assert not said.is_text
    assert not said.confident
    assert said.confidence == 0


def test_flags(shipped: Classifier) -> None:
    gas = shipped.suggest("煤气泄漏", "三楼煤气泄漏，味道很大，快来人。")
    assert (gas.danger, gas.urgent) == ("gas", True)
    bribe = shipped.suggest("举报村支书", "举报村支书贪污低保款，冒领扶贫资金，以权谋私。")
    assert bribe.accusation
    assert bribe.against_office
    shop = shipped.suggest("举报超市卖过期奶粉", "举报小区门口超市卖过期奶粉，换标签继续卖，请市场监管部门查处。")
    assert (shop.accusation, shop.against_office) == (True, False)
    assert bribe.nature == "举报"
    assert bribe.petition_kind == "检举控告"
    assert shipped.suggest("讨薪", "包工头拖欠农民工工资，我们准备上访。").sensitive


@pytest.mark.parametrize(
    ("nature", "level1", "accused", "kind"),
    [
        ("建议", "政法", True, "建议意见"),
        ("表扬", "政法", False, "建议意见"),
        ("举报", "纪检监察", False, "检举控告"),
        ("举报", "民政", True, "检举控告"),
        ("举报", "商贸旅游", False, "申诉求决"),
        ("投诉", "民政", True, "申诉求决"),
    ],
)
def test_petition_kind(nature: str, level1: str, accused: bool, kind: str) -> None:
    assert petition_kind(nature, level1, accused) == kind


def test_batches_answer_like_single_calls_in_order(shipped: Classifier) -> None:
    rows = [(title, body) for title, body, _ in PLAIN] + [("", ""), ("a\nb", "水\n电\u200b费")]
    together = list(shipped.suggest_many(iter(rows), batch=3))
    assert [said.category for said in together] == [shipped.suggest(*row).category for row in rows]
    assert [said.evidence for said in together] == [shipped.suggest(*row).evidence for row in rows]
    bare = list(shipped.suggest_many(rows, explain=False))
    assert [said.confidence for said in bare] == [said.confidence for said in together]
    assert {said.evidence for said in bare} == {()}


def test_rows_are_read_no_further_than_a_batch_ahead(shipped: Classifier) -> None:
    read = 0

    def rows():
        nonlocal read
        while True:
            read += 1
            yield "路灯坏了", "村口路灯坏了三天没人修"

    said = shipped.suggest_many(rows(), batch=10)
    next(said)
    assert read == 10


def test_a_very_long_text_is_judged(shipped: Classifier) -> None:
    title, body, level1 = PLAIN[1]
    assert shipped.suggest(title, body * 20_000).category[0] == level1


def test_the_shipped_file_is_within_its_size() -> None:
    assert SHIPPED.stat().st_size < 40_000_000
