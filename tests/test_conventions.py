"""The house's rules that no linter knows. Each finds what it judges by looking, so that nothing new goes unseen."""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest

import wiring
from channels import inbox
from core import broker, settings_doc
from core.launch import children
from core.web.access import access_of
from intake import left

ROOT = Path(__file__).resolve().parent.parent
ROOTS = {"app", "worker", "cli", "wiring", "commands"}
BESIDES = {"docs", "tests", "migrations", "benchmarks", "deploy", "commands"}
HAN = re.compile(r"[\u3400-\u9fff]")
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOMS = set(CONTRACT["root_packages"])


def files_of(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, anywhere in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- folders and imports ----------------------------------------------------------------------------------------------


def test_the_contract_covers_every_folder() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    folders -= {name for name in folders if name.startswith(".")} | {"data", "var", "build"}
    assert folders - BESIDES == ROOMS
    layers = CONTRACT["contracts"][0]["layers"]
    assert {room for layer in layers for room in layer.split(" | ")} == ROOMS
    assert {path.stem for path in ROOT.glob("*.py")} | {"commands"} == ROOTS


def test_nobody_imports_the_composition_roots() -> None:
    found = [(where(path), name) for path in files_of(*ROOMS) for name in imported(path) if name.split(".")[0] in ROOTS]
    assert found == []


def test_rooms_import_nothing_from_tests_or_benchmarks() -> None:
    beside = {"tests", "benchmarks", "migrations"}
    found = [where(path) for path in files_of(*ROOMS) for name in imported(path) if name.split(".")[0] in beside]
    assert found == []


def test_only_the_channel_registry_imports_by_name() -> None:
    found = {
        where(path)
        for path in files_of(*ROOMS)
        if any(name.startswith("importlib") and not name.startswith("importlib.resources") for name in imported(path))
        or re.search(r"\b__import__\(", path.read_text())
    }
    assert found == {"channels/registry.py"}


def test_every_folder_says_what_lives_there() -> None:
    packages = {path.parent for path in files_of(*ROOMS)}
    silent = [
        where(folder)
        for folder in packages
        if not (folder / "__init__.py").exists() or not ast.get_docstring(tree(folder / "__init__.py"))
    ]
    assert silent == []


@pytest.mark.parametrize("name", ["workflow", "deadlines"])
def test_rules_that_anybody_can_check_import_only_the_standard_library(name: str) -> None:
    foreign = {module.split(".")[0] for module in imported(ROOT / "cases" / f"{name}.py")} - sys.stdlib_module_names
    assert foreign == set()


# --- the clock --------------------------------------------------------------------------------------------------------


CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}


def _reads_the_time(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner = ast.unparse(node.func.value)
    asked = (owner.split(".")[-1], node.func.attr)
    return asked in CLOCKS


def test_only_the_clock_reads_the_time() -> None:
    roots = [*ROOT.glob("*.py"), *files_of("commands")]
    found = {
        where(path) for path in [*files_of(*ROOMS), *roots] for node in ast.walk(tree(path)) if _reads_the_time(node)
    }
    assert found == {"core/clock.py"}


# --- pages ------------------------------------------------------------------------------------------------------------


def test_every_route_says_who_may_use_it(app: Any) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert len(endpoints) > 30
    assert [endpoint for endpoint in sorted(endpoints) if access_of(app, endpoint) is None] == []


TEMPLATES = [path for room in sorted(ROOMS) for path in sorted((ROOT / room).rglob("templates/**/*.html"))]
OWN_NAME = "中文"  # a language is named in itself


@pytest.mark.parametrize("path", TEMPLATES, ids=where)
def test_chinese_text_in_templates_is_translated(path: Path) -> None:
    env = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    parsed = env.parse(path.read_text(encoding="utf-8"))
    bare = [
        data.data for data in parsed.find_all(jinja2.nodes.TemplateData) if HAN.search(data.data.replace(OWN_NAME, ""))
    ]
    assert bare == []


@pytest.mark.parametrize("path", TEMPLATES, ids=where)
def test_templates_have_no_inline_script_or_style(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
    assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=\"|javascript:", text) == []


# --- jobs -------------------------------------------------------------------------------------------------------------


_ENQUEUE = {"enqueue", "enqueue_again"}


def _called(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name


def _givers(path: Path) -> Iterator[tuple[str, int]]:
    """(function, place) of what gives a job's name to the queue: its own, and a file's own functions between."""
    yield from ((function, 1) for function in _ENQUEUE)
    for function in ast.walk(tree(path)):
        if isinstance(function, ast.FunctionDef):
            names = [arg.arg for arg in function.args.args]
            calls = [node for node in ast.walk(function) if any(_called(node, one) for one in _ENQUEUE)]
            given = {ast.unparse(node.args[1]) for node in calls}  # type: ignore[attr-defined]
            yield from ((function.name, names.index(name)) for name in given if name in names)


def enqueued() -> Iterator[tuple[str, str]]:
    """(file, job) of every job that the rooms owe by name; those of events are in wiring.SUBSCRIPTIONS."""
    for path in files_of(*ROOMS):
        givers = dict(_givers(path)) if "enqueue" in path.read_text() else {}
        own = set(givers) - _ENQUEUE or path == ROOT / "core" / "jobs.py"
        for node in ast.walk(tree(path)):
            for function, place in givers.items():
                if not _called(node, function):
                    continue
                name = ast.unparse(node.args[place])  # type: ignore[attr-defined]
                if name == "subscription.job" or (function in _ENQUEUE and own and name.islower()):
                    continue  # of an event; of a function whose callers are looked at
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                yield where(path), eval(name, vars(module))


def test_every_job_has_a_handler_and_every_queue_a_consumer(app: Any, settings: Any) -> None:
    registry = wiring.registry(app.extensions["hub"])
    owed = list(enqueued())
    assert {("intake/left.py", left.TELL), ("channels/inbox.py", inbox.RETRY)} <= set(owed)
    assert [(path, job) for path, job in owed if job not in registry.queues] == []
    assert [one.job for one in wiring.SUBSCRIPTIONS if registry.queues.get(one.job) != one.queue] == []
    assert [job for job, _every, queue in wiring.REGULAR if registry.queues.get(job) != queue] == []
    assert set(registry.queues.values()) <= set(broker.QUEUES)
    consumed = [child.command[child.command.index("-Q") + 1] for child in children(settings) if "-Q" in child.command]
    assert sorted(consumed) == sorted(broker.QUEUES)


def test_job_names_begin_with_their_room(app: Any) -> None:
    rooms = ROOMS | {"hub", "inbox"}
    registry = wiring.registry(app.extensions["hub"])
    assert [name for name in registry.queues if name.split(".")[0] not in rooms] == []


# --- documents --------------------------------------------------------------------------------------------------------


def test_the_page_of_settings_is_current() -> None:
    assert settings_doc.PATH.read_text(encoding="utf-8") == settings_doc.page()


def test_the_commands_can_be_run() -> None:
    assert all(os.access(ROOT / name, os.X_OK) for name in ("hub", ".ci/run"))


# --- the suite itself -------------------------------------------------------------------------------------------------


def _tests_in(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in _tests_in(node.body))


def _all_tests(path: Path) -> list[str]:
    return [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_every_test_is_found_and_run() -> None:
    """In a file that is collected, not shadowed by a namesake, not inside another function, not switched off."""
    faults = []
    for path in files_of("tests"):
        names = list(_tests_in(tree(path).body))
        if _all_tests(path) and not path.name.startswith("test_"):
            faults.append(f"{where(path)}: is not collected")
        if path.name.startswith("test_") and not names:
            faults.append(f"{where(path)}: has no test")
        faults += [f"{where(path)}: {name} twice" for name, times in Counter(names).items() if times > 1]
        faults += [
            f"{where(path)}: {name} hidden" for name in set(_all_tests(path)) - {n.split(".")[-1] for n in names}
        ]
        faults += [f"{where(path)}: {n}" for n in names if "." in n and not n.startswith("Test")]
        if re.search(r"^\s*@pytest\.mark\.(skip|xfail)\b(?!if)", path.read_text(), re.M):
            faults.append(f"{where(path)}: a test is switched off")
    assert faults == []


def test_no_two_test_files_share_a_name() -> None:
    names = Counter(path.name for path in files_of("tests") if path.name.startswith("test_"))
    assert [name for name, times in names.items() if times > 1] == []


def test_tests_stand_in_the_folder_of_their_room() -> None:
    beside = {"upgrade", "e2e", "security", "reliability", "docs", "benchmarks"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders - ROOMS - beside == set()
