"""The table itself: every state can be reached, every row is carried out, the page made from it is current."""

from __future__ import annotations

import ast
from pathlib import Path

from cases import workflow_doc
from cases.status import OF_ASSIGNMENT, STATUSES
from cases.workflow import ACTORS, ASSIGNMENT_STATES, BY_OPERATION, CASE_STAGES, TRANSITIONS, open_to, permitted

OPERATIONS = Path(workflow_doc.__file__).parent / "operations"


def reached(subject: str, start: set[str]) -> set[str]:
    found, edge = set(start), set(start)
    while edge:
        edge = {
            t.to
            for t in TRANSITIONS
            if t.subject == subject and t.to and (edge & set(t.from_) or (not t.from_ and "" in edge))
        } - found
        found |= edge
    return found - {""}


def test_every_stage_and_state_can_be_reached():
    assert reached("case", {""}) == set(CASE_STAGES)
    assert reached("assignment", {"to_sign"}) == set(ASSIGNMENT_STATES)


def test_every_stage_but_the_ends_can_be_left():
    assert [code for code in CASE_STAGES if not open_to("case", code)] == []
    ends = [code for code in ASSIGNMENT_STATES if not any(t.to for t in open_to("assignment", code))]
    assert ends == ["confirmed", "returned", "taken_back"]


def test_the_table_names_only_what_exists():
    assert len(BY_OPERATION) == len(TRANSITIONS)
    for t in TRANSITIONS:
        states = CASE_STAGES if t.subject == "case" else ASSIGNMENT_STATES
        assert {*t.from_, t.to or ""} <= {*states, ""}, t
        assert t.actor in ACTORS, t
        assert t.event, t
    assert set(OF_ASSIGNMENT) == set(ASSIGNMENT_STATES) and set(OF_ASSIGNMENT.values()) <= set(STATUSES)


def carried_out() -> set[str]:
    """The operations that some function of cases/operations records, found by looking at the code."""
    found: set[str] = set()
    for path in OPERATIONS.glob("*.py"):
        tree = ast.parse(path.read_text())
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            for call in calls(function, "record"):
                found |= said(call.args[2], function, tree) & set(BY_OPERATION)
            for call in calls(function, "append"):
                events = {node.value for node in call.args[2:3] if isinstance(node, ast.Constant)}
                found |= {t.operation for t in TRANSITIONS if t.event in events}
    return found


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    """The calls of a function with at least three arguments, as `name(…)` or `module.name(…)`."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) > 2]
    return [call for call in found if getattr(call.func, "attr", getattr(call.func, "id", "")) == name]


def said(arg: ast.expr, function: ast.FunctionDef, tree: ast.AST, seen: tuple[str, ...] = ()) -> set[str]:
    """The words that an argument may be: written there, assigned to the name, or handed in by a caller."""
    if not isinstance(arg, ast.Name):
        return words(arg)
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == arg.id for t in node.targets):
            found |= words(node.value)
    if function.name in seen or arg.id not in {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}:
        return found
    for caller in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        for call in calls(caller, function.name):
            for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                found |= said(given, caller, tree, (*seen, function.name))
    return found


def words(tree: ast.AST) -> set[str]:
    """The strings in a piece of code."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_transition_is_carried_out_by_an_operation():
    assert set(BY_OPERATION) - carried_out() == set()


def test_permitted_reads_the_table():
    assert permitted("sign", "to_sign") and not permitted("sign", "doing")
    assert permitted("save_draft", "") and not permitted("save_draft", "review")


def test_the_page_is_current():
    assert workflow_doc.PATH.read_text(encoding="utf-8") == workflow_doc.workflow_page(), (
        "docs/workflow.md is out of date: run python -m cases.workflow_doc"
    )
