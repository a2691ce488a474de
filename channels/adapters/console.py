"""The sender of a hub without a provider: writes what it would have sent to a file for the developer to read.

The log gets ids only. With a public address nothing is written and nothing claimed: the message is rejected, so that
whoever waits for it is called instead.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import ClassVar

from channels.contract import Outgoing, ReceiptStatus, Rejected, Retryable, Sent
from core.config import Settings
from core.logging import get_logger

log = get_logger(__name__)


class Console:
    """Appends one JSON line a message to outbox.jsonl in the data folder."""

    name: ClassVar[str] = "console"
    required_settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: Settings) -> None:
        self._path = settings.data_dir / "outbox.jsonl"
        self._public = settings.is_public

    def send(self, message: Outgoing) -> Sent:
        """Write the message down. Raises Rejected (no_provider) on a public hub, Retryable when the disk is full."""
        if self._public:
            raise Rejected("no_provider")
        line = {"channel": message.channel, "key": message.key, "to": message.to, "text": message.text}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise Retryable("disk") from error
        provider_id = "console-" + hashlib.sha256(message.key.encode()).hexdigest()[:16]
        log.info("message_written_down", channel=message.channel, provider_id=provider_id)
        return Sent(provider_id, ReceiptStatus.SENT)


ADAPTER = Console
