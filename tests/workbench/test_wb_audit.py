"""The audit page: every action that the code records has a Chinese name, and subjects are named, not numbered."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update

from cases.models import Case
from cases.operations import citizens
from core.ids import grouped
from organisations import accounts
from tests.workbench.conftest import Desk
from workbench.admin.audit_trail import ACTIONS, SUBJECTS
from workbench.queries.audit_names import SEALED

ROOT = Path(__file__).parents[2]
ROOMS = ("callcenter", "cases", "channels", "core", "hub", "intake", "matching", "notifications", "organisations",
         "portal", "search", "supervision", "workbench", "api")  # fmt: skip


def _words(node: ast.AST) -> Iterator[str]:
    """The strings that an expression may come to."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)


def _recorded(tree: ast.Module, name: str) -> set[str]:
    """What a module gives as `name` of audit.record, directly or through functions that take it as a parameter."""
    places = {
        node.name: [one.arg for one in node.args.args].index(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and name in [one.arg for one in node.args.args]
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            found.update(_words(node.value))
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "audit.record" or called in places:
            found.update(word for one in node.keywords if one.arg == name for word in _words(one.value))
        if called in places and len(node.args) > places[called]:
            found.update(_words(node.args[places[called]]))
    return found


def _all(name: str) -> set[str]:
    sources = [path.read_text("utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return set().union(*(_recorded(ast.parse(text), name) for text in sources if "audit.record(" in text))


def test_every_recorded_action_and_subject_has_a_name() -> None:
    recorded = _all("action")
    assert {
        "case_read",
        "reader_named",
        "exported",
        "organisation_added",
        "phone_set",
        "catalogue_row_saved",
    } <= recorded
    assert recorded - set(ACTIONS) == set()
    assert _all("subject") - set(SUBJECTS) - {""} == set()
    assert all(re.search("[一-龥]", word) for word in (*ACTIONS.values(), *SUBJECTS.values()))


def test_subjects_are_named(wb: Desk, client: FlaskClient, sign_in: Callable[..., Any]) -> None:
    plain, sealed = wb.waiting(), wb.waiting()
    with wb.db.write() as session:
        session.execute(update(Case).where(Case.id == sealed).values(accusation="possible"))
        for case_id in (plain, sealed):
            citizens.note_read(session, wb.officer(), wb.clock.now(), case_id)
        accounts.disable_account(session, wb.city.actor("admin.security"), wb.clock.now(), wb.handler().account_id or 0)
        numbers = [session.get_one(Case, one).number for one in (plain, sealed)]
    sign_in(client, "admin.audit")
    page = client.get("/work/admin/audit?action=case_read").get_data(as_text=True)
    assert '<th scope="row">查看办件</th>' in page
    assert grouped(numbers[0]) in page and grouped(numbers[1]) not in page and SEALED in page
    assert "（huo.yan）" in client.get("/work/admin/audit?action=account_disabled").get_data(as_text=True)
