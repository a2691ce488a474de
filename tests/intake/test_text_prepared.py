"""A request's words: as written, normalised, masked at the same length, and the way back."""

from __future__ import annotations

import pytest

from intake.text import in_original, own_phone, prepare, title_of


def test_what_is_plain_stays_as_it_is() -> None:
    text = prepare("路灯坏了", "书院里的路灯坏了三天", "书院里")
    assert (text.title_normal, text.body_masked, text.place_masked) == ("路灯坏了", "书院里的路灯坏了三天", "书院里")
    assert text.offsets is None
    assert in_original(text.offsets, "body", 2, 4) == (2, 4)


def test_traditional_wide_and_hidden_characters() -> None:
    written = "電話１３８００００２６０７\u202e，路燈\u200b壞了"
    text = prepare("路燈", written)
    assert text.body == written
    assert text.body_normal == "电话13800002607,路灯坏了"
    assert text.body_masked == "电话***********，路灯坏了"
    start = text.body_normal.index("路灯坏")
    first, last = in_original(text.offsets, "body", start, start + 3)
    assert written[first:last] == "路燈\u200b壞"
    assert in_original(text.offsets, "title", 0, 2) == (0, 2)


def test_masked_has_the_length_of_the_normalised() -> None:
    text = prepare("我叫王建国", "身份证号 11010119900307001X，住在3栋2单元501室，电话 13800002607", "3栋2单元501室")
    for normal, masked in (
        (text.title_normal, text.title_masked),
        (text.body_normal, text.body_masked),
        (text.place_normal, text.place_masked),
    ):
        assert len(normal) == len(masked)
        assert "*" in masked
    assert "王建国" not in text.title_masked and "13800002607" not in text.body_masked


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("您好，我想反映小区停水两天了。希望尽快恢复", "小区停水两天了"),
        ("路灯坏了\n在书院里", "路灯坏了"),
        ("小区停水了，我的电话是13800002607", "小区停水了"),
        ("停水", "停水"),
        ("你好", "你好"),
        (
            "小区东侧的工地连续三个晚上施工到凌晨两点钟，打桩声很大，家里老人孩子都睡不好觉",
            "小区东侧的工地连续三个晚上施工到凌晨两点钟，打桩声很大",
        ),
        ("长" * 80, "长" * 30),
        ("我叫徐晓梅，梧桐里东侧工地夜里打桩", "梧桐里东侧工地夜里打桩"),
        ("我叫徐晓梅，电话 13812345678。工地连续三晚打桩到凌晨，老人睡不好", "工地连续三晚打桩到凌晨，老人睡不好"),
        ("您好，我是徐晓梅，我想反映小区停水两天了", "小区停水两天了"),
        ("我叫徐晓梅", "我叫"),
        ("我家住3栋2单元501室，楼上漏水没人管", "楼上漏水没人管"),
        ("我是外地来的，想在这里办居住证", "我是外地来的，想在这里办居住证"),
        ("我想给孩子办转学，要什么材料", "我想给孩子办转学，要什么材料"),
        ("我想要一个停车位", "我想要一个停车位"),
        ("我要办社保卡", "我要办社保卡"),
        ("我想咨询一下社保卡怎么补办", "社保卡怎么补办"),
        ("我想问问公积金怎么提取", "公积金怎么提取"),
        ("请问，医保报销比例是多少？", "医保报销比例是多少"),
        ("我要投诉物业不作为", "物业不作为"),
        ("投诉过三次没人管，路灯还是不亮", "投诉过三次没人管，路灯还是不亮"),
        ("投诉电话一直打不通", "投诉电话一直打不通"),
        ("一个井盖翘起来了", "一个井盖翘起来了"),
        ("问题很多的小区电梯", "问题很多的小区电梯"),
        ("尊敬的领导：您好！我要反映楼下烧烤店油烟扰民的问题", "楼下烧烤店油烟扰民的问题"),
        ("领导好，路灯不亮三天了", "路灯不亮三天了"),
        ("领导干部带头占车位", "领导干部带头占车位"),
        ("你好我想反映路灯不亮", "路灯不亮"),
        ("我想", "我想"),
    ],
)
def test_a_title_from_the_text(body: str, title: str) -> None:
    assert title_of(body) == title


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("我的电话是13800002607", "+8613800002607"),
        ("联系电话：138-0000-2607，谢谢", "+8613800002607"),
        ("老板的电话是13800002607", ""),
        ("包工头13800002607不接电话", ""),
        ("没有留电话", ""),
    ],
)
def test_only_a_telephone_called_ones_own(text: str, phone: str) -> None:
    assert own_phone(text) == phone


def test_masked_text_keeps_the_punctuation_that_was_written() -> None:
    text = prepare("停水了，怎么办？", "电话１９９００００１２３４；急！（三楼）")
    assert text.title_masked == "停水了，怎么办？" and text.title_normal == "停水了,怎么办?"
    assert text.body_masked == "电话***********；急！（三楼）"
    assert len(text.body_masked) == len(text.body_normal)
