"""The character 0 in arguments and fields never reaches a view; the raw bytes stay as they came."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from core.web.requests import PlainRequest


@pytest.fixture
def client() -> FlaskClient:
    app = flask.Flask("hub")
    app.request_class = PlainRequest

    @app.route("/", methods=["GET", "POST"])
    def view() -> Any:
        raw = flask.request.get_data(cache=True).decode("latin-1")
        shown = {"args": flask.request.args.to_dict(flat=False), "form": flask.request.form.to_dict(flat=False)}
        return shown | {"values": flask.request.values.get("a", ""), "raw": raw}

    return app.test_client()


@pytest.mark.parametrize(
    ("query", "args"),
    [
        ("a=%00", {"a": [""]}),
        ("a=x%00y&a=%00&b%00=z", {"a": ["xy", ""], "b": ["z"]}),
        ("a=路灯&b=1", {"a": ["路灯"], "b": ["1"]}),
    ],
)
def test_arguments(client: FlaskClient, query: str, args: dict[str, list[str]]) -> None:
    assert client.get("/?" + query).get_json()["args"] == args


def test_fields_whether_urlencoded_or_with_files(client: FlaskClient) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        got = client.post("/", data={"a": "x\0y", "b": "路灯\0"}, content_type=kind).get_json()
        assert got["form"] == {"a": ["xy"], "b": ["路灯"]} and got["values"] == "xy", kind


def test_the_raw_bytes_stay(client: FlaskClient) -> None:
    got = client.post("/", data=b"a=x%00y\0", content_type="application/x-www-form-urlencoded").get_json()
    assert got["raw"] == "a=x%00y\0" and got["form"] == {"a": ["xy"]}
