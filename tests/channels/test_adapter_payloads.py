"""Every captured payload of every channel gives its items and its exact reply. A new channel adds only files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from channels.contract import Answer, Handshakes, Malformed, NotAuthentic, Outcome, Unsupported
from channels.registry import discover
from tests.channels.payloads import all_payloads, plain, receiver_of, request_of

CASES = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in all_payloads()]


@pytest.mark.parametrize("path", CASES)
def test_payload(path: Path) -> None:
    channel, captured = path.parent.name, json.loads(path.read_text())
    adapter, request = receiver_of(channel), request_of(channel, captured["request"])
    adapter.authenticate(request)
    if request.method == "GET":
        assert isinstance(adapter, Handshakes)
        reply = adapter.handshake(request)
    elif "error" in captured:
        with pytest.raises((Malformed, Unsupported)) as caught:
            adapter.parse(request)
        assert caught.value.code == captured["error"]
        reply = adapter.reply(request, [])
    else:
        items = adapter.parse(request)
        assert [plain(item) for item in items] == captured["items"]
        assert [item.key for item in adapter.parse(request)] == [item.key for item in items]
        outcome = Outcome(**captured.get("outcome", {}))
        reply = adapter.reply(request, [Answer(item, outcome) for item in items])
    found = {"status": reply.status, "content_type": reply.content_type, "body": reply.body.decode()}
    assert found == captured["reply"]


@pytest.mark.parametrize("path", CASES)
def test_without_its_signature_a_payload_is_refused(path: Path) -> None:
    channel, captured = path.parent.name, json.loads(path.read_text())
    adapter, request = receiver_of(channel), request_of(channel, captured["request"])
    forged = [
        replace(request, headers={}, query=()),
        replace(request, headers=dict.fromkeys(request.headers, "x"), query=tuple((k, "x") for k, _ in request.query)),
    ]
    for attempt in forged:
        with pytest.raises(NotAuthentic):
            adapter.authenticate(attempt)


def test_every_channel_that_receives_has_payloads() -> None:
    receiving = {name for name, adapter in discover().items() if hasattr(adapter, "authenticate")}
    assert receiving == {path.parent.name for path in all_payloads()}
