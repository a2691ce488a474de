"""The documents: links lead somewhere, the glossary names every term, decisions are listed, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cases import status, workflow
from cli import hub
from core.config import ENV_FILE, Settings
from organisations import roles

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "classifier").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)
CODE = re.compile(r"^ {4}.*?$|```.*?```", re.M | re.S)


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def anchors(page: str) -> set[str]:
    """The addresses of a page's headings, as repositories make them."""
    words = (re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in HEADING.findall(page))
    return {word.replace(" ", "-") for word in words}


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target) if target else page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), link


def rows() -> dict[str, list[str]]:
    """The glossary's rows by their first cell; one code may stand in several tables."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            found.setdefault(line.split("|")[1].strip(), []).append(line)
    return found


TERMS = [
    *((code, said[0]) for code, said in workflow.CASE_STAGES.items()),
    *((code, said[0]) for code, said in workflow.ASSIGNMENT_STATES.items()),
    *workflow.OUTCOMES.items(),
    *workflow.ACTORS.items(),
    *((one.operation, one.chinese) for one in workflow.TRANSITIONS),
    *status.STATUSES.items(),
    *((role.code, role.name) for role in roles.ROLES.values()),
    *roles.PERMISSIONS.items(),
]


def test_the_glossary_has_every_state_operation_role_and_permission() -> None:
    glossary = rows()
    missing = [
        (code, chinese)
        for code, chinese in TERMS
        if not any(f"| {chinese} |" in line for line in glossary.get(f"`{code}`", ()))
    ]
    assert missing == []


def test_the_glossary_says_what_each_role_may_do() -> None:
    for role in roles.ROLES.values():
        (line,) = [line for line in rows()[f"`{role.code}`"] if role.name in line and line.count("|") == 5]
        assert set(re.findall(r"`([a-z.]+)`", line.split("|")[4])) == role.permissions, role.code


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert {path.name for path in folder.glob("[0-9]*.md")} == listed
    for path in folder.glob("[0-9]*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        assert all(f"**{part}.**" in text for part in ("Decided", "Why", "Costs")), path.name


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_commands_and_settings_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {*hub.commands, "test"}
    assert [word for word in re.findall(r"(?<![\w/])\./hub ([a-z][a-z-]+)", text) if word not in known] == []
    settings = {f"HUB_{name.upper()}" for name in Settings.model_fields}
    beside = {ENV_FILE, "HUB_TEST", "HUB_TEST_DATABASE_URL", "HUB_TEST_REDIS_URL"}
    assert set(re.findall(r"HUB_[A-Z_]+[A-Z]", text)) - settings - beside == set()


def test_both_readmes_say_the_same_commands_and_link_to_the_same_pages() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))

    def links(text: str) -> set[str]:
        return {link.partition("#")[0] for link in LINK.findall(text) if not link.startswith(("http", "README"))}

    def commands(text: str) -> set[str]:
        return set(re.findall(r"\./hub [a-z-]+", text))

    assert links(english) == links(chinese)
    assert commands(english) == commands(chinese)


def test_no_page_names_a_path_of_somebodys_machine() -> None:
    wrong = [path.name for path in PAGES if re.search(r"(?<!\w)/(home|root|Users)/", path.read_text("utf-8"))]
    assert wrong == []
