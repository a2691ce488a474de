"""A signed text message until its durable answer, beside a bare Flask view with one durable insert.

Both are served by gunicorn with the hub's settings, on SQLite, and asked by the same clients in turn, so that a busy
machine changes the ratio little. What the hub does more: it checks the signature, keeps the raw message sealed, goes a
step of the dialogue, and answers in words.
"""

from __future__ import annotations

import http.client
import itertools
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from benchmarks.running import environment, free_port, hub_settings, seeded
from core.config import Settings
from core.database import Database
from core.launch import children

CLIENTS = 8
ROUNDS = 5
ROUND_SECONDS = 6.0
RATE = 20  # requests a second in the measurement of latency
RATE_SECONDS = 30
_numbers = itertools.count(1)

Requests = list[tuple[bytes, dict[str, str]]]


def run(out: TextIO, *, rounds: int = ROUNDS, seconds: float = ROUND_SECONDS) -> dict[str, float]:
    """Print the table; gives {"ratio", "p50", "p99"} (milliseconds at RATE requests a second)."""
    with tempfile.TemporaryDirectory(prefix="bench-webhook-") as name:
        settings = hub_settings(Path(name) / "data", trusted_proxies=0)
        seeded(settings).get(Database).dispose()
        floor_port = free_port()
        with _served(_floor_command(settings, floor_port), _floor_environment(settings, Path(name)), floor_port), \
                _served(children(settings)[0].command, environment(settings), settings.port):  # fmt: skip
            rates: dict[str, list[float]] = {"floor": [], "hub": []}
            for _ in range(rounds):
                rates["floor"].append(_rate(settings, floor_port, seconds))
                rates["hub"].append(_rate(settings, settings.port, seconds))
            paced = _paced(settings, settings.port)
            floor_paced = _paced(settings, floor_port)
    return _print(out, rates, paced, floor_paced)


def _print(
    out: TextIO, rates: dict[str, list[float]], paced: Sequence[float], floor_paced: Sequence[float]
) -> dict[str, float]:
    floor, hub = (statistics.median(rates[name]) for name in ("floor", "hub"))
    ratio = statistics.median(h / f for h, f in zip(rates["hub"], rates["floor"], strict=True))
    out.write(f"{CLIENTS} keep-alive clients, {len(rates['hub'])} rounds in turn, medians\n\n")
    out.write(f"| signed text message | answers/s | ratio | p50 ms at {RATE}/s | p99 ms at {RATE}/s |\n")
    out.write("|---|---|---|---|---|\n")
    made = {}
    for name, rate, share, times in (
        ("bare Flask view, one durable insert (floor)", floor, 1.0, floor_paced), ("the hub", hub, ratio, paced),
    ):  # fmt: skip
        cuts = statistics.quantiles(times, n=100)
        made = {"ratio": share, "p50": cuts[49], "p99": cuts[98]}
        out.write(f"| {name} | {rate:.0f} | {share:.2f} | {cuts[49]:.1f} | {cuts[98]:.1f} |\n")
    out.write("\nwanted: ratio ≥ 0.5; p99 < 100 ms at 20/s\n")
    return made


# --- servers ----------------------------------------------------------------------------------------------------------


def _floor_command(settings: Settings, port: int) -> list[str]:
    words = list(children(settings)[0].command)
    words[words.index("app:serve()")] = "benchmarks.floor:serve()"
    words[words.index("--bind") + 1] = f"127.0.0.1:{port}"
    return words


def _floor_environment(settings: Settings, folder: Path) -> dict[str, str]:
    return {**environment(settings), "FLOOR_DATABASE": str(folder / "floor.db")}


@contextmanager
def _served(command: Sequence[str], variables: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        list(command), env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        _await(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError("the server did not start")


# --- clients ----------------------------------------------------------------------------------------------------------


def _requests(settings: Settings, count: int) -> Requests:
    """Signed first messages, each of a sender of its own."""
    validator = RequestValidator(settings.twilio_auth_token)
    url = f"http://{settings.host}:{settings.port}/hooks/sms"
    made = []
    for _ in range(count):
        number = next(_numbers)
        form = {
            "MessageSid": f"SM{number:032x}", "From": f"+86138{number:08d}", "To": settings.twilio_from,
            "Body": f"建设路{number}号门口的路灯坏了一个星期，晚上看不清路，请派人来修", "NumMedia": "0",
        }  # fmt: skip
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": validator.compute_signature(url, form),
        }
        made.append((urlencode(form).encode(), headers))
    return made


def _rate(settings: Settings, port: int, seconds: float) -> float:
    """Answers a second of CLIENTS clients that ask as fast as they are answered."""
    counts = [0] * CLIENTS
    # More than any server here answers in that time; signed beforehand, so that clients cost little.
    ready = [_requests(settings, int(seconds * 150)) for _ in range(CLIENTS)]
    until = time.perf_counter() + seconds

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for body, headers in ready[place]:
            if time.perf_counter() >= until:
                break
            _post(connection, body, headers)
            counts[place] += 1
        connection.close()

    begun = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def _paced(settings: Settings, port: int) -> list[float]:
    """Milliseconds of each of RATE requests a second, from when it was due until its answer was whole."""
    ready = _requests(settings, RATE * RATE_SECONDS)
    times = [0.0] * len(ready)
    begun = time.perf_counter() + 0.2

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number in range(place, len(ready), CLIENTS):
            due = begun + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            _post(connection, *ready[number])
            times[number] = (time.perf_counter() - due) * 1000
        connection.close()

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _post(connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]) -> None:
    connection.request("POST", "/hooks/sms", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or b"Message" not in text:
        raise RuntimeError(f"answered {answer.status}")


if __name__ == "__main__":
    run(sys.stdout)
