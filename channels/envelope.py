"""Requests and outcomes as JSON, to be sealed in the inbox and read back for a replay."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, fields
from datetime import datetime

from channels import contract
from channels.contract import CallAction, Outcome, Request

_KEPT_HEADERS = ("content-type", "user-agent")
_ACTIONS = {
    kind.__name__: kind for kind in (contract.Say, contract.Ask, contract.Record, contract.Connect, contract.HangUp)
}


def dump_request(request: Request) -> str:
    """A request with its body as it came, and of its headers the type, the agent and the signature."""
    kept = {k: v for k, v in request.headers.items() if k in _KEPT_HEADERS or "signature" in k}
    # Not asdict(), which copies each value deeply.
    values = {field.name: getattr(request, field.name) for field in fields(request)} | {
        "body": base64.b64encode(request.body).decode(),
        "received_at": request.received_at.isoformat(),
        "headers": kept,
    }
    return json.dumps(values)


def load_request(text: str) -> Request:
    """The request that `dump_request` wrote."""
    values = json.loads(text)
    values |= {
        "body": base64.b64decode(values["body"]),
        "received_at": datetime.fromisoformat(values["received_at"]),
        "query": tuple((name, value) for name, value in values["query"]),
    }
    return Request(**values)


def dump_outcome(outcome: Outcome) -> str:
    """An outcome with its call actions by name."""
    actions = [[type(action).__name__, asdict(action)] for action in outcome.actions]
    return json.dumps({"text": outcome.text, "number": outcome.number, "code": outcome.code, "actions": actions})


def load_outcome(text: str) -> Outcome:
    """The outcome that `dump_outcome` wrote."""
    values = json.loads(text)
    actions: list[CallAction] = [_ACTIONS[name](**fields) for name, fields in values.pop("actions")]
    return Outcome(actions=tuple(actions), **values)
