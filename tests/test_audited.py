"""Whatever the hub writes into the audit chain has a name on the auditor's page."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.test_conventions import HAN, ROOMS, ROOT, files_of, tree
from workbench.admin.audit_trail import ACTIONS, SUBJECTS


def strings_of(node: ast.AST) -> Iterator[str]:
    """The strings that an expression may come to."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from strings_of(node.body)
        yield from strings_of(node.orelse)


def recorded_in(module: ast.Module, name: str) -> set[str]:
    """What a module gives as `name` of audit.record, directly or through functions that take it as a parameter."""
    places = {
        node.name: [one.arg for one in node.args.args].index(name)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and name in [one.arg for one in node.args.args]
    }
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            found.update(strings_of(node.value))
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "audit.record" or called in places:
            found.update(word for one in node.keywords if one.arg == name for word in strings_of(one.value))
        if called in places and len(node.args) > places[called]:
            found.update(strings_of(node.args[places[called]]))
    return found


def everythingrecorded_in(name: str) -> set[str]:
    """What the hub may write into the audit chain as `name` (action, subject)."""
    paths = [*files_of(*sorted(ROOMS), "commands"), *sorted(ROOT.glob("*.py"))]
    trees = [tree(path) for path in paths if "audit.record(" in path.read_text(encoding="utf-8")]
    return set().union(*(recorded_in(one, name) for one in trees))


def test_every_audited_action_and_subject_has_a_name() -> None:
    recorded = everythingrecorded_in("action")
    assert {"case_read", "reader_named", "exported", "organisation_added", "catalogue_row_saved"} <= recorded
    assert recorded - set(ACTIONS) == set()
    assert everythingrecorded_in("subject") - set(SUBJECTS) - {""} == set()
    assert all(HAN.search(word) for word in (*ACTIONS.values(), *SUBJECTS.values()))
