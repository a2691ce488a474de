"""Every route, found by looking, given what nobody should send: no 5xx, nothing shown raw, nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import flask
import pytest
from flask.testing import FlaskClient

from organisations.people import Actor
from search.service import SearchService
from tests.security.routes import Route, counted, fields, hostile, routes
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]
Powerful = Callable[[Route], bool]
HOSTILE = dict(hostile())
# Between them they may open every page.
EVERYBODY = (
    "shangguan.min",
    "zhuang.xiaoli",
    "niu.guoqiang",
    "cen.lu",
    "admin.system",
    "admin.security",
    "admin.audit",
)
RAW = ("<script>alert(1)", "<img src=x", "onerror=alert(2)>")


@pytest.fixture
def powerful(wb: Desk, client: FlaskClient, sign_in: SignIn) -> Callable[[Route], bool]:
    """Sign in as somebody who may use a route; False where nobody of EVERYBODY may."""
    client.application.extensions["hub"].get(SearchService).ensure()
    people = {name: wb.city.actor(name) for name in EVERYBODY}
    state = {"now": ""}

    def give(route: Route) -> bool:
        from core.web.access import access_of

        access = access_of(client.application, route.endpoint)
        asked = access.permissions if access else ()
        able = [name for name, who in people.items() if not asked or any(who.can(one) for one in asked)]
        if able and state["now"] not in able:
            state["now"] = able[0]
            sign_in(client, able[0])
        return bool(able)

    return give


def fault(answer: Any) -> str:
    """What is wrong with an answer: a failure of ours, the input as markup, a header or an address of its making."""
    if answer.status_code >= 500:
        return str(answer.status_code)
    if answer.mimetype == "text/html" and any(raw in answer.text for raw in RAW):
        return "shown raw"
    if any("a=b" in cookie for cookie in answer.headers.getlist("Set-Cookie")):
        return "header made"
    return "led away" if answer.headers.get("Location", "/").startswith(("//", "http")) else ""


def test_somebody_may_open_every_page(app: flask.Flask, powerful: Powerful) -> None:
    missing = [route.rule for route in routes(app, "GET") + routes(app, "POST") if not powerful(route)]
    assert missing == []
    assert len(fields()) > 60 and {"q", "page", "number", "query_code", "username", "level1"} <= set(fields())


def pages(app: flask.Flask) -> list[Route]:
    """What is read by people; monitoring answers 503 here, where no worker runs."""
    return [route for route in routes(app, "GET") if route.kind not in ("provider", "operations")]


def forms(app: flask.Flask) -> list[Route]:
    """What is sent by people."""
    return [route for route in routes(app, "POST") if route.kind not in ("provider", "operations")]


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "long"])
def test_addresses_with_anything_in_every_argument(
    wb: Desk, app: flask.Flask, client: FlaskClient, powerful: Powerful, name: str
) -> None:
    case_id, value = wb.in_hand(), HOSTILE[name]
    before, faults = counted(wb.db), []
    for route in pages(app):
        powerful(route)
        for query in (dict.fromkeys(fields(), value), {"q": value}):
            answer = client.get(route.of({"case_id": case_id}), query_string={**query, "lang": "zh"})
            faults.append((route.rule, list(query)[:2], fault(answer)))
    assert [one for one in faults if one[2]] == []
    assert counted(wb.db) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_forms_with_anything_in_every_field(
    wb: Desk, app: flask.Flask, client: FlaskClient, powerful: Powerful, name: str
) -> None:
    case_id, value, faults = wb.in_hand(), HOSTILE[name], []
    form = dict.fromkeys(fields(), value)
    for route in forms(app):
        for extra in ({}, {"do": "send", "website": ""}):
            powerful(route)
            answer = client.post(route.of({"case_id": case_id}, word="note"), data={**form, **extra})
            faults.append((route.rule, extra, fault(answer)))
    assert [one for one in faults if one[2]] == []


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63 - 1, 2**63, 10**40, "1.5", "%00", "１"])
def test_ids_that_are_none(wb: Desk, app: flask.Flask, client: FlaskClient, powerful: Powerful, number: Any) -> None:
    faults = []
    for method, found in (("GET", pages(app)), ("POST", forms(app))):
        for route in (route for route in found if any(kind == "int" for _name, kind in route.parts)):
            powerful(route)
            answer = client.open(route.of(number=number, word="note"), method=method)
            wrong = "found" if answer.status_code == 200 else ""
            faults.append((method, route.rule, fault(answer) or wrong))
    assert len(faults) >= 30 and [one for one in faults if one[2]] == []


@pytest.mark.parametrize(
    "words", ["%00", "%ff%fe", "%ed%a0%80", quote("<script>alert(1)</script>"), "..%2f..%2fetc%2fpasswd", "x" * 3000]
)
def test_addresses_that_are_no_text(app: flask.Flask, client: FlaskClient, powerful: Powerful, words: str) -> None:
    faults = []
    for route in pages(app):
        powerful(route)
        answer = client.get(f"{route.of(word=words)}?q={words}&page={words}&{words}={words}")
        faults.append((route.rule, fault(answer)))
    assert [one for one in faults if one[1]] == []
    assert client.get(f"/nothing/{words}").status_code in (400, 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND", "X" * 40])
def test_methods_that_are_none(app: flask.Flask, client: FlaskClient, powerful: Powerful, method: str) -> None:
    faults = []
    for route in routes(app, "GET") + routes(app, "POST"):
        powerful(route)
        answer = client.open(route.of(), method=method)
        faults.append((route.rule, fault(answer), answer.status_code))
    assert [one for one in faults if one[1] or one[2] not in (405, 400, 404)] == []


@pytest.mark.parametrize("token", [None, "", "wrong", "字", "ImY2.x.y", "a" * 5000])
def test_every_form_refuses_a_wrong_token(
    wb: Desk,
    app: flask.Flask,
    client: FlaskClient,
    powerful: Powerful,
    token: str | None,
) -> None:
    case_id = wb.sent()
    app.config["WTF_CSRF_ENABLED"] = True
    app.extensions["lx_limiter"].storage.reset()
    before, tried = counted(wb.db), 0
    for route in forms(app):
        powerful(route)
        form = {"do": "send", "reason": "x", "is": "yes", **({} if token is None else {"csrf_token": token})}
        answer = client.post(route.of({"case_id": case_id, "operation": "take_back"}), data=form)
        assert answer.status_code == 400, route.rule
        tried += 1
    assert tried >= 50 and counted(wb.db) == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x", "x", ""]
)
def test_bodies_of_a_lying_kind(app: flask.Flask, client: FlaskClient, powerful: Powerful, kind: str) -> None:
    faults = []
    bodies = (b"\x00\xff\xfe" * 100, b'{"title": [1, {"a": null}]}', b"--x\r\nContent-Disposition: form-data\r\n\r\n")
    for route in forms(app):
        for body in bodies:
            powerful(route)
            faults.append((route.rule, fault(client.post(route.of(), data=body, content_type=kind))))
    assert [one for one in faults if one[1]] == []


def test_bodies_too_large_for_every_form(app: flask.Flask, client: FlaskClient, powerful: Powerful) -> None:
    faults = []
    for route in forms(app):
        powerful(route)
        answer = client.post(route.of(), data={"body": "a" * 600_000})
        if answer.status_code != 413 or "内容太大" not in answer.text:
            faults.append((route.rule, answer.status_code))
    assert faults == []
