"""The shipped model, loaded once, and a tiny set of our own sentences to train on."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest

from classifier.model import Classifier
from classifier.taxonomy import Taxonomy, taxonomy_of

WORDS = {
    "城乡建设": ("路灯不亮", "井盖松动", "小区漏水", "绿化带枯死", "楼道堆物"),
    "教育文体": ("幼儿园学费", "小学分班", "老师补课", "图书馆闭馆", "体育场开放"),
    "环境保护": ("工厂冒黑烟", "河水发臭", "夜间噪音", "垃圾焚烧", "油烟扰民"),
}
ENDS = ("请尽快处理", "已经半个月了", "居民都很着急", "希望给个说法", "多次反映没有结果")
LEVEL2 = {"城乡建设": "市政", "教育文体": "学校", "环境保护": "污染", "政法": "治安"}


@pytest.fixture(scope="session")
def shipped() -> Classifier:
    """The model that ships with the hub."""
    return Classifier.load()


@pytest.fixture(scope="session")
def tiny_taxonomy() -> Taxonomy:
    """Four first-level classes with two children each."""
    return taxonomy_of(
        (level1, level2, name)
        for level1, first in LEVEL2.items()
        for level2, name in ((first, f"{first}设施"), ("其他事项", "其他事项"))
    )


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three files that training reads, out of the word lists above."""
    folder = tmp_path_factory.mktemp("tiny")
    mixed = [
        (label, first, second, end)
        for label, words in WORDS.items()
        for (first, second), end in itertools.product(itertools.permutations(words, 2), ENDS[:2])
    ]
    places = "东西南北"
    seven = [
        {"id": f"c{n}", "title": first, "body": f"{first}，{second}，{end}。", "label": label, "group": str(n)}
        for n, (label, first, second, end) in enumerate(mixed)
    ]
    _write(folder / "categories_train.csv", seven)
    fifteen = []
    for n, (label, _, second, _) in enumerate(mixed):
        level1 = "政法" if n % 7 == 0 else label
        conduct = "派出所不出警，" if level1 == "政法" else ""
        # Unlike the rows above, so that they are no near-copies: another end, a place, the word said twice.
        body = f"家住{places[n % 4]}门外，{second}，{conduct}{ENDS[2 + n % 3]}，我们商量后写信，{second}影响生活。"
        nature = "举报" if n % 5 == 0 else "投诉"
        fifteen.append(
            {
                "id": f"d{n}",
                "title": f"{nature}{second}",
                "body": body,
                "level1": level1,
                "level2": LEVEL2[level1],
                "nature": nature,
                "urgent": str(int(n % 11 == 0)),
            }
        )
    _write(folder / "categories15.csv", fifteen)
    _write(folder / "categories15_more.csv", [{**row, "id": "e" + row["id"], "sure": "1"} for row in fifteen[:20]])
    return folder


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
