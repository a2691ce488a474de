"""What libraries log, and errors that nobody catches, without values: they quote request lines and messages of errors.

A line says who logged it, from where, the text before anything was filled in, and an error's type and places.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any


def places(error: BaseException) -> list[str]:
    """Where an error came from: folder, file and line, the last eight."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename  # "<string>" where a library made the code
        found.append(f"{'/'.join(file.split('/')[-2:])}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found[-8:]


class WithoutValues(logging.Formatter):
    """A library's record as a JSON line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. A text with nothing left to fill in may have been filled before it came here: it is left out."""
        line: dict[str, Any] = {
            "event": "library", "logger": record.name, "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "from": f"{record.module}:{record.lineno}",
        }  # fmt: skip
        if record.args and isinstance(record.msg, str):
            line["text"] = record.msg
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= {"error": type(error).__name__, "at": places(error)}
        return json.dumps(line, ensure_ascii=False)


def quieten(report: Callable[[BaseException], None]) -> None:
    """Have every handler of the root logger leave values out, and `report` told of errors that nobody catches."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(WithoutValues())

    def uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error or kind(), trace)
        else:
            report(error)

    sys.excepthook = uncaught
    threading.excepthook = lambda hook: uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)
