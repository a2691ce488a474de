"""Search of published replies over a generated corpus: the whole query path beside a bare term query.

Texts are put together from word lists of our own with a fixed seed; nothing real is in them.
"""

from __future__ import annotations

import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from search.documents import ReplyDocument
from search.engine import IndexedDocument, Page, Reader, Terms
from search.query import search_replies
from search.similar import similar_replies
from search.tantivy_engine import TantivyEngine

THINGS = """
    路灯 井盖 电梯 公交车 地铁站 停车位 物业费 公积金 居住证 驾驶证 医保卡 学位 广场舞 施工噪音 油烟
    垃圾站 自来水 燃气 暖气 网吧 幼儿园 养老金 社保 低保 拆迁补偿 宅基地 户口 二胎 产假 疫苗 公厕 河道
    绿化带 红绿灯 斑马线 充电桩 快递柜 健身房 培训班 驾校
""".split()  # noqa: SIM905
MATTERS = """
    坏了 没人管 怎么办理 什么时候开通 收费太高 不退钱 影响休息 被占用 漏水 堵塞 晚点 需要什么材料
    能不能补贴 如何报销 不给办 拖欠工资 存在隐患 申请加装 何时维修 标准是多少 可以异地办吗 违规收费
    没有手续 长期停电 无人值守 排队太久 态度恶劣 反复破损 污染严重 没有公示
""".split()  # noqa: SIM905
PLACES = [
    a + b
    for a in "东西南北幸福和平建设人民解放青云长桥柳林石塘"
    for b in ("路", "街", "小区", "社区", "镇", "村", "广场", "花园")
]
TAILS = """
    请有关部门尽快处理 已经反映多次 附近居民都很着急 老人孩子出行不便 希望给一个明确的时间 感谢支持
    现场已经查看 责任单位正在整改 将于月底前完成 请携带身份证到窗口办理 具体标准见公开文件
    如有疑问请致电主管部门 依照规定予以答复 已约谈负责人 将加强巡查
""".split()  # noqa: SIM905


def _documents(count: int, rng: random.Random) -> Iterator[IndexedDocument]:
    start = datetime(2019, 1, 1, tzinfo=UTC)
    for number in range(count):
        place, thing, matter = rng.choice(PLACES), rng.choice(THINGS), rng.choice(MATTERS)
        title = f"{place}{rng.randint(1, 400)}号{thing}{matter}"
        body = "，".join([title, *rng.choices(TAILS, k=6), rng.choice(PLACES) + rng.choice(THINGS)])
        answer = "。".join(["您好", f"关于{thing}{matter}的问题", *rng.choices(TAILS, k=10)])
        yield ReplyDocument(
            f"{number:07d}", title, body, answer, f"类{rng.randint(1, 15)}", "", f"单位{rng.randint(1, 60)}", "", "",
            start + timedelta(hours=rng.randint(0, 60_000)),
        ).indexed()  # fmt: skip


def _queries(count: int, rng: random.Random) -> list[str]:
    forms = ("{t} {m}", "{t}{m}", "{p}{t}", "{p} {t} {m}", "请问{p}{t}{m}吗", "{t}")
    return [
        rng.choice(forms).format(t=rng.choice(THINGS), m=rng.choice(MATTERS), p=rng.choice(PLACES))
        for _ in range(count)
    ]


def _timed(act: Callable[[str], object], queries: list[str]) -> list[float]:
    times = []
    for query in queries:
        start = time.perf_counter()
        act(query)
        times.append((time.perf_counter() - start) * 1000)
    return times


def _row(out: TextIO, name: str, times: list[float], floor: float) -> None:
    cuts = statistics.quantiles(times, n=100)
    out.write(f"| {name} | {cuts[49]:.2f} | {cuts[98]:.2f} | {cuts[49] / floor:.1f} |\n")


def run(out: TextIO, n: int = 100_000, queries: int = 500) -> dict[str, float]:
    """Print a table (milliseconds, one client, warm) for `n` replies; gives {"p50", "p99"} of the whole query path."""
    rng = random.Random(20_261_124)
    with tempfile.TemporaryDirectory(prefix="bench-search-") as folder:
        index = TantivyEngine(Path(folder)).replies
        start = time.perf_counter()
        index.rebuild(_documents(n, rng))
        built = time.perf_counter() - start
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        times = _measure(index.open_reader(), _queries(queries, rng), out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.write(f"\n{n} replies indexed in {built:.0f} s ({n / built:.0f}/s), {size / 1e6:.0f} MB, peak {peak:.0f} MB\n")
    cuts = statistics.quantiles(times, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}


def _measure(reader: Reader, asked: list[str], out: TextIO) -> list[float]:
    def bare(query: str) -> object:
        return reader.search(Terms({rng.choice(THINGS): 1.0}), {}, Page())

    rng = random.Random(1)
    for act in (bare, lambda query: search_replies(reader, query)):
        _timed(act, asked[:50])
    floors = _timed(bare, asked)
    floor = statistics.median(floors)
    whole = _timed(lambda query: search_replies(reader, query), asked)
    out.write("| query | p50 ms | p99 ms | p50 / floor |\n|---|---|---|---|\n")
    _row(out, "one term, bare (floor)", floors, floor)
    _row(out, "whole query path, facets and repair", whole, floor)
    _row(out, "with a filter", _timed(lambda q: search_replies(reader, q, {"category1": ["类3"]}), asked), floor)
    _row(out, "page 50", _timed(lambda q: search_replies(reader, q, {}, Page(50)), asked), floor)
    _row(out, "similar replies for a text", _timed(lambda q: similar_replies(reader, q, q + TAILS[0]), asked), floor)
    return whole


if __name__ == "__main__":
    run(sys.stdout, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
