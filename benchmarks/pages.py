"""The pages that staff and the public open most, over 100,000 cases; each beside the same page before the closed ones.

What costs must not grow with what is closed: the floor of each page is itself on the same hub with its open cases only.
Milliseconds on the server, through the Flask application and its whole stack, one request at a time.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

from flask.testing import FlaskClient
from sqlalchemy import func, select

import wiring
from app import create_app
from benchmarks import hundred_thousand
from benchmarks.running import hub_settings
from benchmarks.search import MATTERS, THINGS
from cases.models import Case, PublishedReply
from core import logging
from core.clock import Clock
from core.config import Settings
from core.database import Database
from core.web.parts import Parts
from organisations import sessions
from organisations.models import Account

WANTED_MS = 50.0
OFFICER, HANDLER, LEADER = "niu.guoqiang", "huo.yan", "dou.jianping"
Pages = list[tuple[str, str, tuple[str, ...]]]


def run(out: TextIO, *, cases: int = 100_000, replies: int = 100_000, open_cases: int = 600,
        rounds: int = 60) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Print the table; gives median and p95 (milliseconds) by page."""
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as name:
        logging.configure("ERROR")
        settings = hub_settings(Path(name) / "data", log_level="ERROR")
        parts = wiring.build(settings)
        hundred_thousand.fill(parts, open_cases)
        pages = pages_of(parts)
        few = _measured(parts, pages, rounds)
        hundred_thousand.multiply(parts, cases)
        hundred_thousand.publish(parts, replies)
        many = _measured(parts, pages, rounds)
        out.write(f"{_counted(parts)}\n\n")
    out.write("| page | median ms | p95 ms | before (floor) ms | ratio |\n|---|---|---|---|---|\n")
    for page, (median, p95) in many.items():
        out.write(f"| {page} | {median:.1f} | {p95:.1f} | {few[page][0]:.1f} | {median / few[page][0]:.2f} |\n")
    out.write(f"\nwanted: each below {WANTED_MS:.0f} ms\n")
    return many


def pages_of(parts: Parts) -> Pages:
    """What is measured: a name, who opens it, and the addresses that are gone through in turn."""
    with parts.get(Database).read() as session:
        level1 = session.scalar(select(Case.level1).where(Case.level1.is_not(None)).limit(1)) or ""
    asked = tuple(f"/replies?q={thing}{matter}" for thing, matter in zip(THINGS, MATTERS, strict=False))
    return [
        ("review queue", OFFICER, ("/work/review", "/work/review?page=2")),
        ("home of an officer", OFFICER, ("/work/",)),
        ("home of a handler (my cases)", HANDLER, ("/work/",)),
        ("home of a leader", LEADER, ("/work/",)),
        ("case list", OFFICER, ("/work/cases", "/work/cases?page=2")),
        ("case list, filtered", OFFICER, (
            "/work/cases?status=closed", f"/work/cases?level1={level1}", "/work/cases?status=in_progress",
        )),
        ("case list of a handler", HANDLER, ("/work/cases",)),
        ("what is late", LEADER, ("/work/late",)),
        ("search of replies", "", asked),
        ("replies, the newest", "", ("/replies",)),
    ]  # fmt: skip


def signed_in(parts: Parts, client: FlaskClient, username: str) -> None:
    """Give a browser the session of a member of staff."""
    at = parts.get(Clock).now()  # type: ignore[type-abstract]
    with parts.get(Database).write() as session:
        account = session.scalars(select(Account).where(Account.username == username)).one()
        account.must_change_password = False
        client.set_cookie("lx_staff", sessions.start(session, account.id, at))


def _measured(parts: Parts, pages: Pages, rounds: int) -> dict[str, tuple[float, float]]:
    app = create_app(parts.get(Settings), parts=parts)
    found = {}
    for name, username, addresses in pages:
        client = app.test_client()
        if username:
            signed_in(parts, client, username)
        for address in addresses[:5]:
            answer = client.get(address)
            if answer.status_code != 200:
                raise RuntimeError(f"{address} answered {answer.status_code}")
        times = []
        for number in range(rounds):
            begun = time.perf_counter()
            client.get(addresses[number % len(addresses)])
            times.append((time.perf_counter() - begun) * 1000)
        found[name] = (statistics.median(times), statistics.quantiles(times, n=20)[18])
    return found


def _counted(parts: Parts) -> str:
    with parts.get(Database).read() as session:
        stages = dict(session.execute(select(Case.stage, func.count()).group_by(Case.stage)).tuples().all())
        replies = session.scalar(select(func.count()).select_from(PublishedReply))
    listed = ", ".join(f"{stage} {number}" for stage, number in sorted(stages.items()))
    return f"{sum(stages.values())} cases ({listed}), {replies} published replies"


if __name__ == "__main__":
    run(sys.stdout)
