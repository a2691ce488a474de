"""Who holds a lease, in 16 characters: this machine, the process and when it began; so that the dead are known."""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_START_KEPT = 36**4


def own() -> str:
    """This process, with the dot that ends it."""
    return of(os.getpid())


def of(pid: int) -> str:
    """A living process of this machine, with the dot that ends it: `ab12.3d5.x0y1.`."""
    return f"{_machine()}.{_figures(pid)}.{_began(pid)}."


def is_lost(lease: str) -> bool:
    """Whether a lease is that of a process of this machine which is gone, or of this very process."""
    machine, pid, began = (*lease.split("."), "", "", "")[:3]
    if machine != _machine() or not pid or not set(pid) <= set(_DIGITS):
        return False
    number = int(pid, 36)
    return number == os.getpid() or _began(number) != began


@lru_cache(maxsize=1)
def _machine() -> str:
    """Host and process namespace: two containers on one kernel count as two."""
    known = [socket.gethostname()]
    with suppress(OSError):
        known.append(Path("/etc/machine-id").read_text())
    with suppress(OSError):
        known.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:4]


def _began(pid: int) -> str:
    """When a process began, shortened; "-" when there is none (or it is dead and not yet buried)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _without_proc(pid)
    return "-" if fields[0] in "ZX" else _figures(int(fields[19]) % _START_KEPT)


def _without_proc(pid: int) -> str:
    """Where there is no /proc the process id alone has to do."""
    if Path("/proc/self").exists():
        return "-"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "-"
    except PermissionError:
        pass
    return "0"


def _figures(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return text or "0"
