"""The broker of a machine without services: kombu's folder of messages, whose files are whole or not there.

As it ships, a message is seen before it is written to its end, and one cut short ends the worker that reads it.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

from core.logging import get_logger

log = get_logger(__name__)


class Channel(filesystem.Channel):  # type: ignore[misc]
    """Writes a message beside its place and moves it there; passes over what can't be read."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = uuid.uuid4().hex
        folder = Path(self.data_folder_out)
        beside = folder / f"{name}.part"
        try:
            beside.write_text(dumps(payload), encoding="utf-8")
            os.replace(beside, folder / f"{monotonic() * 1000:.0f}_{name}.{queue}.msg")
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise ChannelError("cannot write a message") from error

    def _get(self, queue: str, timeout: Any = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError as error:
            # Messages say no more than "look", and the beat says it again.
            log.warning("message_unreadable", queue=queue)
            raise Empty from error

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        try:
            super()._queue_bind(exchange, routing_key, pattern, queue)
        except ValueError:
            log.warning("exchange_unreadable", queue=queue)
            self._exchange_file(exchange).unlink(missing_ok=True)
            super()._queue_bind(exchange, routing_key, pattern, queue)


class Transport(filesystem.Transport):  # type: ignore[misc]
    """kombu's, with these channels."""

    Channel = Channel
