"""Captured payloads: tests/channels/<channel>/*.json, with the settings they were signed under in settings.json."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from channels.contract import Adapter, Request
from channels.registry import load
from core.config import Settings, load_settings

HERE = Path(__file__).parent
AT = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def all_payloads() -> list[Path]:
    """Every captured payload of every channel."""
    return sorted(path for path in HERE.glob("*/*.json") if path.name != "settings.json")


def settings_of(channel: str, **overrides: Any) -> Settings:
    """The settings that a channel's payloads were signed under."""
    return load_settings(**(json.loads((HERE / channel / "settings.json").read_text()) | overrides))


def receiver_of(channel: str) -> Adapter:
    """The channel's adapter, as the registry makes it."""
    adapter = load(settings_of(channel)).receiver(channel)
    assert adapter is not None
    return adapter


def request_of(channel: str, captured: dict[str, Any], **changes: Any) -> Request:
    """The request of a payload as the webhook blueprint hands it to the adapter."""
    path, query = captured["path"], captured["query"]
    values: dict[str, Any] = {
        "method": captured["method"],
        "url": settings_of(channel).public_url + path + (f"?{query}" if query else ""),
        "path": path,
        "query": tuple(parse_qsl(query, keep_blank_values=True)),
        "headers": captured["headers"],
        "body": captured["body"].encode(),
        "received_at": AT,
        "purpose": "status" if path.startswith("/hooks/status/") else "message",
    }
    return Request(**(values | changes))


def plain(value: Any) -> Any:
    """An item as JSON holds it, without the fields that are empty."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        kept = {name: item for name, item in found.items() if item not in ("", None, [], {})}
        return {"is": type(value).__name__} | kept
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
