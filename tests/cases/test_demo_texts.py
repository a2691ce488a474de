"""The demonstration city: its tables refer to each other, and every text of its petitions is its own."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORGANISATIONS = ROOT / "organisations" / "demo"
PETITIONS = ROOT / "cases" / "demo"
RUN = 12
STATES = {
    "review",
    "pending",
    "doing",
    "suspended",
    "returned",
    "fed_back",
    "asking",
    "closed",
    "refused",
    "guided",
    "draft",
}
NATURES = {"咨询", "求助", "投诉", "举报", "建议", "表扬"}
ROLES = {
    "agent",
    "diversion",
    "handler",
    "approver",
    "supervisor",
    "leader",
    "publisher",
    "accusation_reader",
    "system_admin",
    "security_admin",
    "auditor",
}
KINDS = {"党委", "政府部门", "乡镇", "村社", "公用企业", "垂管", "司法", "纪检", "热线", "其他"}
LEVELS = ("city", "county", "township", "village")
KEYS = {
    "key",
    "title",
    "body",
    "channel",
    "level1",
    "level2",
    "nature",
    "urgent",
    "area_code",
    "place",
    "disclosure",
    "days_ago",
    "state",
    "lead_code",
    "rating",
    "public",
    "reply",
    "citizen",
    "duplicate_of",
}
PERSONAL = re.compile(r"\d{7,}|@|[\u4e00-\u9fff]{1,2}(?:女士|先生)")


def table(name: str) -> list[dict[str, str]]:
    with (ORGANISATIONS / name).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def petitions() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(PETITIONS.glob("petitions-*.json")):
        found.extend(json.loads(path.read_text(encoding="utf-8")))
    return found


def taxonomy() -> set[tuple[str, str, str]]:
    with (ROOT / "classifier" / "taxonomy.csv").open(encoding="utf-8-sig", newline="") as source:
        return {(row["level1"], row["level2"], row["level3"]) for row in csv.DictReader(source)}


def split(text: str) -> list[str]:
    return [part for part in text.split(";") if part]


def runs(text: str, length: int = RUN) -> Iterator[str]:
    """Every run of `length` characters, with punctuation and without."""
    for form in (text, re.sub(r"\W", "", text)):
        for start in range(len(form) - length + 1):
            yield form[start : start + length]


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return petitions()


@pytest.fixture(scope="module")
def organisations() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in table("organisations.csv")}


@pytest.fixture(scope="module")
def areas() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in table("areas.csv")}


def test_runs_finds_a_shared_run() -> None:
    first, second = set(runs("甲乙丙丁戊己庚辛壬癸，子丑寅")), set(runs("乙丙丁戊己庚辛壬癸子丑寅卯"))
    assert first & second == {"乙丙丁戊己庚辛壬癸子丑寅"}


def test_no_two_petitions_share_twelve_characters(cases: list[dict[str, Any]]) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        for text in (case["title"] + case["body"], case["title"], case["body"], case["reply"]):
            for run in runs(text):
                owners[run].add(case["key"])
    assert {run: keys for run, keys in owners.items() if len(keys) > 1} == {}


def test_files_stay_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PETITIONS.glob("petitions-*.json")}
    assert len(sizes) >= 5
    assert max(sizes.values()) <= 60_000


def test_counts(cases: list[dict[str, Any]]) -> None:
    assert 200 <= len(cases) <= 240
    assert len({case["key"] for case in cases}) == len(cases)
    assert min(Counter(case["level1"] for case in cases).values()) >= 8
    assert 40 <= sum(case["public"] for case in cases) <= 55
    assert sum(case["urgent"] for case in cases) >= 6
    assert sum(bool(case["duplicate_of"]) for case in cases) >= 12
    assert sum(case["level1"] == "纪检监察" and case["nature"] == "举报" for case in cases) >= 6


def test_every_class_state_and_nature_is_covered(cases: list[dict[str, Any]]) -> None:
    assert {case["level1"] for case in cases} == {level1 for level1, _, _ in taxonomy()}
    assert {case["state"] for case in cases} == STATES
    assert {case["nature"] for case in cases} == NATURES
    assert {case["channel"] for case in cases} == {"web", "wechat", "sms", "hotline"}
    assert {case["disclosure"] for case in cases} == {"named", "confidential", "anonymous"}


def test_petitions_refer_to_what_exists(
    cases: list[dict[str, Any]], areas: dict[str, dict[str, str]], organisations: dict[str, dict[str, str]]
) -> None:
    classes = {(level1, level2) for level1, level2, _ in taxonomy()}
    keys = {case["key"]: case for case in cases}
    for case in cases:
        assert set(case) == KEYS, case["key"]
        assert (case["level1"], case["level2"]) in classes, case["key"]
        assert case["area_code"] in areas, case["key"]
        assert bool(case["lead_code"]) == (case["state"] not in {"review", "draft"}), case["key"]
        assert not case["lead_code"] or case["lead_code"] in organisations, case["key"]
        if case["duplicate_of"]:
            assert keys[case["duplicate_of"]]["days_ago"] > case["days_ago"], case["key"]


def test_petitions_are_complete(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        key = case["key"]
        assert case["title"] and case["body"], key
        assert 0 <= case["days_ago"] <= 90, key
        assert (case["citizen"] is None) == (case["disclosure"] == "anonymous"), key
        if case["citizen"]:
            assert re.fullmatch(r"1990000\d{4}", case["citizen"]["phone"]), key
        assert bool(case["reply"]) == (case["state"] in {"closed", "fed_back", "asking"}), key
        assert not case["reply"] or 80 <= len(case["reply"]) <= 300, key
        if case["rating"]:
            assert case["state"] == "closed" and 1 <= case["rating"]["satisfaction"] <= 5, key


def test_public_replies_hold_no_personal_data(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        if case["public"]:
            assert case["state"] == "closed", case["key"]
            assert not PERSONAL.search(case["reply"]), case["key"]
            assert not case["citizen"] or case["citizen"]["name"] not in case["reply"], case["key"]


def test_some_texts_hold_personal_data_to_mask(cases: list[dict[str, Any]]) -> None:
    bodies = "\n".join(case["body"] for case in cases)
    numbers = re.findall(r"(?<!\d)\d{17}[\dX](?!\d)", bodies)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    assert len(numbers) >= 4
    for number in numbers:
        total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
        assert number[17] == "10X98765432"[total % 11]
    assert len(re.findall(r"(?<!\d)1990000\d{4}(?!\d)", bodies)) >= 5
    assert len(re.findall(r"豫Z[0-9A-Z]{5}", bodies)) >= 4


def test_areas_are_a_tree_of_four_levels(areas: dict[str, dict[str, str]]) -> None:
    counts = Counter(row["level"] for row in areas.values())
    assert (counts["city"], counts["county"]) == (1, 5)
    assert counts["township"] >= 16 and counts["village"] >= 30
    for row in areas.values():
        if row["level"] != "city":
            parent = areas[row["parent_code"]]
            assert LEVELS.index(parent["level"]) == LEVELS.index(row["level"]) - 1, row["code"]


def test_organisations_refer_to_what_exists(
    areas: dict[str, dict[str, str]], organisations: dict[str, dict[str, str]]
) -> None:
    assert len(organisations) >= 60
    assert {row["level"] for row in organisations.values()} == set(LEVELS)
    assert {row["kind"] for row in organisations.values()} == KINDS
    assert len({row["name"] for row in organisations.values()}) == len(organisations)
    for row in organisations.values():
        assert row["area_code"] in areas and areas[row["area_code"]]["level"] == row["level"], row["code"]
        for column in ("parent_code", "line_superior_code"):
            assert not row[column] or row[column] in organisations, row["code"]


def test_staff_refer_to_what_exists(organisations: dict[str, dict[str, str]]) -> None:
    staff = table("staff.csv")
    roles = [(row["username"], role) for row in staff for role in split(row["roles"])]
    assert len({row["username"] for row in staff}) == len(staff) >= 40
    assert {row["organisation_code"] for row in staff} <= set(organisations)
    counts = Counter(role for _, role in roles)
    assert set(counts) == ROLES
    # Two system administrators: what one drafts in the catalogue another releases.
    assert (counts["system_admin"], counts["security_admin"], counts["auditor"]) == (2, 1, 1)
    assert counts["publisher"] >= 2 and any(row["duty"] == "1" for row in staff)
    for administrator in ("system_admin", "security_admin", "auditor"):
        owners = [name for name, role in roles if role == administrator]
        assert [role for name, role in roles if name in owners] == [administrator] * len(owners)


def test_every_office_of_the_catalogue_has_somebody_who_signs(organisations: dict[str, dict[str, str]]) -> None:
    staff = [*table("staff.csv"), *table("handlers.csv")]
    assert len({row["username"] for row in staff}) == len({row["name"] for row in staff}) == len(staff)
    handled = {row["organisation_code"] for row in staff if "handler" in split(row["roles"])}
    rows = table("catalogue.csv")
    named = {row["lead_code"] for row in rows} | {code for row in rows for code in split(row["co_codes"])}
    assert {code for code in named - handled if organisations[code]["outside"] != "1"} == set()


def test_catalogue_covers_the_taxonomy(
    areas: dict[str, dict[str, str]], organisations: dict[str, dict[str, str]]
) -> None:
    rows, known = table("catalogue.csv"), taxonomy()
    pairs = {(level1, level2) for level1, level2, _ in known}
    assert {(row["level1"], row["level2"]) for row in rows if not row["level3"] and not row["area_code"]} == pairs
    for row in rows:
        where = (row["level1"], row["level2"], row["level3"], row["area_code"])
        assert not row["level3"] or where[:3] in known, where
        assert not row["area_code"] or row["area_code"] in areas, where
        for code in (row["lead_code"], *split(row["co_codes"])):
            assert organisations[code]["kind"] not in {"乡镇", "村社"}, where
        assert row["track"] in {"hotline", "petition"} and int(row["sign_hours"]) > 0, where
        assert int(row["handle_working_days"]) > 0, where
    keys = [(row["level1"], row["level2"], row["level3"], row["area_code"]) for row in rows]
    assert len(set(keys)) == len(keys)


def test_guides_name_their_office(organisations: dict[str, dict[str, str]]) -> None:
    content = json.loads((ORGANISATIONS / "guides.json").read_text(encoding="utf-8"))
    assert len(content["guides"]) >= 12 and len(content["grounds"]) >= 8
    assert {row["organisation_code"] for row in content["guides"]} <= set(organisations)
    assert {row["track"] for row in content["grounds"]} == {"hotline", "petition"}
    assert {row["operation"] for row in content["grounds"]} == {"refuse", "guide"}
    codes = [row["code"] for row in content["grounds"]]
    assert len(set(codes)) == len(codes)
