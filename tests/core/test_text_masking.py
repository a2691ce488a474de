"""Masking. Every number and name here is made up; the check digits are right where the rule looks at them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.masking import mask, personal_spans

HIDDEN = [
    ("请拨13800001234联系", "13800001234", "phone"),
    ("电话138 0000 1234。", "138 0000 1234", "phone"),
    ("电话138-0000-1234。", "138-0000-1234", "phone"),
    ("１３８００００１２３４", "１３８００００１２３４", "phone"),
    ("1 3 8 0 0 0 0 1 2 3 4", "1 3 8 0 0 0 0 1 2 3 4", "phone"),
    ("138\u200b0000\u200b1234", "138\u200b0000\u200b1234", "phone"),
    ("+86 13800001234", "+86 13800001234", "phone"),
    ("008613800001234", "008613800001234", "phone"),
    ("8613800001234", "8613800001234", "phone"),
    ("手机一三八零零零零一二三四，", "一三八零零零零一二三四", "phone"),
    ("打0513-85550123没人接", "0513-85550123", "phone"),
    ("打051385550123没人接", "051385550123", "phone"),
    ("打(010)65550123没人接", "(010)65550123", "phone"),
    ("打（021）65550123没人接", "（021）65550123", "phone"),
    ("座机0755 8555 0123-801", "0755 8555 0123-801", "phone"),
    ("家里座机85550123", "85550123", "phone"),
    ("电话：8555-0123", "8555-0123", "phone"),
    ("身份证号11010519491231002X", "11010519491231002X", "id_number"),
    ("11010519491231002x", "11010519491231002x", "id_number"),
    ("110105 19491231 002X", "110105 19491231 002X", "id_number"),
    ("１１０１０５１９４９１２３１００２Ｘ", "１１０１０５１９４９１２３１００２Ｘ", "id_number"),
    ("身份证：110105194912310021", "110105194912310021", "id_number"),
    ("老身份证110105491231002", "110105491231002", "id_number"),
    ("我的证号是110105491231002", "110105491231002", "id_number"),
    ("打到6222020000000000000上", "6222020000000000000", "bank_card"),
    ("4111 1111 1111 1111", "4111 1111 1111 1111", "bank_card"),
    ("5500-0000-0000-0004", "5500-0000-0000-0004", "bank_card"),
    ("银行卡号：6222021234567890", "6222021234567890", "bank_card"),
    ("车牌苏F12A45挡路", "苏F12A45", "plate"),
    ("车牌苏F·12345挡路", "苏F·12345", "plate"),
    ("粤B 12345", "粤B 12345", "plate"),
    ("新能源车沪AD12345", "沪AD12345", "plate"),
    ("沪a12345d", "沪a12345d", "plate"),
    ("教练车京A1234学", "京A1234学", "plate"),
    ("发到zhang.san@example.com谢谢", "zhang.san@example.com", "email"),
    ("ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email"),
    ("我叫张建国，住得近", "张建国", "name"),
    ("我叫张伟住在附近", "张伟", "name"),
    ("我叫欧阳明月。", "欧阳明月", "name"),
    ("你好，我名叫李小红，", "李小红", "name"),
    ("联系人：王强", "王强", "name"),
    ("联系人:王强 电话", "王强", "name"),
    ("姓名：诸葛长风\n", "诸葛长风", "name"),
    ("姓名　：　赵一鸣", "赵一鸣", "name"),
    ("反映人：周文清", "周文清", "name"),
    ("反映人周文清，反映", "周文清", "name"),
    ("业主：林志远。", "林志远", "name"),
    ("业主林志远反映", "林志远", "name"),
    ("我是陈思远，", "陈思远", "name"),
    ("本人吴小妹，", "吴小妹", "name"),
    ("本人是吴小妹的", "吴小妹", "name"),
    ("我叫阿依古丽·买买提，", "阿依古丽·买买提", "name"),
    ("姓名：吾斯曼江", "吾斯曼江", "name"),
    ("聯繫人：張學文", "張學文", "name"),
    ("姓名：王 强", "王 强", "name"),
    ("举报人：孙立，", "孙立", "name"),
    ("住3栋2单元501室", "3栋2单元501室", "door"),
    ("住12号楼3单元", "12号楼3单元", "door"),
    ("住５幢", "５幢", "door"),
    ("十二幢三单元", "十二幢三单元", "door"),
    ("A座1203室", "A座1203室", "door"),
    ("8号楼1单元1502", "8号楼1单元1502", "door"),
    ("2单元601室漏水", "2单元601室", "door"),
    ("楼上601室", "601室", "door"),
    ("住3-2-501室", "3-2-501室", "door"),
    ("加微信zhang_san88吧", "zhang_san88", "wechat"),
    ("微信号：wxid_ab12cd", "wxid_ab12cd", "wechat"),
    ("vx：abc12345", "abc12345", "wechat"),
    ("QQ：123456789", "123456789", "qq"),
    ("qq号12345678", "12345678", "qq"),
    ("护照E12345678", "E12345678", "passport"),
    ("EA1234567", "EA1234567", "passport"),
    ("护照号：K1234567", "K1234567", "passport"),
]

LEFT = [
    "",
    "小区停水三天了，没人管",
    "我叫他来修，他不来",
    "我叫了三次都没人理",
    "我叫车去医院，司机拒载",
    "我叫外卖送错了",
    "我叫人来看过",
    "业主于2020年买房",
    "业主和物业吵起来",
    "业主方便停车",
    "业主都不同意",
    "我是高新区的居民",
    "我是安徽人，来打工",
    "我是江苏的。",
    "本人向你局反映",
    "本人于三月购房",
    "居民安全没有保障",
    "业主普遍反对",
    "来信人：您好！",
    "本人曾多次反映",
    "联系人：无",
    "姓名：匿名",
    "姓名：保密",
    "拨打12345、110、119",
    "客服400-820-8820",
    "银行95588",
    "2026年11月24日上午9:30",
    "共花了138000元",
    "订单号20261124093012",
    "编号2611241234567",
    "13800001",
    "138****2607",
    "新建了一栋楼",
    "这幢楼",
    "有两栋楼房没电",
    "参加讲座",
    "3楼的灯坏了",
    "教室里很冷",
    "110105194912310021000",
    "110105200002300021",
    "4111111111111112",
    "川流不息",
    "京A",
    "苏州园区",
    "@所有人",
    "加微信群的人很多",
    "微信支付不到账",
    "QQ群里都在说",
    "G1234次列车",
    "第1234567号文件",
    "😀😀😀",
]


@pytest.mark.parametrize(("text", "value", "kind"), HIDDEN)
def test_personal_data_is_hidden(text: str, value: str, kind: str) -> None:
    masked = mask(text)
    start = text.index(value)
    assert [(text[span.start : span.end], span.kind) for span in masked.spans] == [(value, kind)]
    assert masked.text == text[:start] + "*" * len(value) + text[start + len(value) :]


@pytest.mark.parametrize("text", LEFT)
def test_the_rest_is_left(text: str) -> None:
    assert mask(text).text == text
    assert personal_spans(text) == ()


def test_several_at_once() -> None:
    text = "我叫张建国，住3栋2单元501室，电话13800001234，车牌苏F12A45。"
    assert mask(text).text == "我叫***，住*********，电话***********，车牌*******。"
    assert [span.kind for span in personal_spans(text)] == ["name", "door", "phone", "plate"]


PIECES = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from([value for _, value, _ in HIDDEN]),
        st.sampled_from(["我叫", "联系人：", "电话", "微信", "身份证", "，", " ", "1", "3栋", "室", "号", "@", "-"]),
    ),
    max_size=12,
)


@given(PIECES)
def test_length_is_kept_and_a_second_pass_changes_nothing(pieces: list[str]) -> None:
    text = "".join(pieces)
    masked = mask(text)
    assert len(masked.text) == len(text)
    assert mask(masked.text) == type(masked)(masked.text, ())
    ends = [0]
    for span in masked.spans:
        assert ends[-1] <= span.start < span.end <= len(text)
        assert masked.text[span.start : span.end] == "*" * (span.end - span.start)
        ends.append(span.end)


PLAIN = st.text(alphabet="小区停水噪音路灯不亮，。；", max_size=20)


@given(st.lists(st.tuples(PLAIN, st.sampled_from([(text, value) for text, value, _ in HIDDEN])), max_size=6))
def test_no_planted_value_is_left(parts: list[tuple[str, tuple[str, str]]]) -> None:
    masked = mask("".join(f"{plain}。\n{text}\n" for plain, (text, _) in parts)).text
    for _, (_, value) in parts:
        assert value not in masked


@pytest.mark.parametrize(
    "unit", ["1", "1 ", "a", "138", "电话13800001234，", "姓名：", "栋", "3栋", "@", "a@", "我叫", "·"]
)
def test_a_megabyte_comes_through(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert len(mask(text).text) == len(text)
