"""What monitoring asks: /healthz (this process answers), /readyz (which part is down), /metrics (Prometheus)."""

from __future__ import annotations

import hmac
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core import heartbeats
from core.clock import Clock
from core.config import Settings
from core.database import Database
from core.jobs import Job
from core.schema import SchemaState, schema_state
from core.web.access import operations
from core.web.parts import part

LEAST_DISK = 200_000_000  # bytes; below this attachments and the write-ahead log are in danger
# Every worker gives its sign of life under its queue's name.
PROCESSES = {"jobs": "worker", "search": "search_worker"}


@dataclass(frozen=True)
class Check:
    """A part that another room can ask about: `faults` gives what is wrong as codes, empty when all is well."""

    name: str
    faults: Callable[[], Sequence[str]]


def make_blueprint(checks: Sequence[Check] = ()) -> flask.Blueprint:
    """The three addresses; `checks` are the parts above this room."""
    blueprint = flask.Blueprint("health", __name__)

    @operations
    def healthz() -> flask.Response:
        return flask.Response("ok\n", mimetype="text/plain")

    @operations
    def readyz() -> flask.Response:
        down = faults(checks)
        answer = flask.jsonify({"ready": not down, "down": down})
        answer.status_code = 503 if down else 200
        return answer

    @operations
    def metrics() -> flask.Response:
        if not _may_read_metrics():
            return flask.Response("forbidden\n", 403, mimetype="text/plain")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Figures())
        return flask.Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")

    for view in (healthz, readyz, metrics):
        blueprint.add_url_rule(f"/{view.__name__}", view.__name__, view)
    return blueprint


def faults(checks: Sequence[Check] = ()) -> dict[str, str]:
    """Every part that is down, with a code of what is wrong; empty when the hub can work."""
    db, now = part(Database), part(Clock).now()  # type: ignore[type-abstract]
    down: dict[str, str] = {}
    try:
        down |= _database_faults(db, now)
    except SQLAlchemyError:
        down["database"] = "unreachable"
    for check in checks:
        found = _asked(check)
        if found:
            down[check.name] = ", ".join(found)
    folder = part(Settings).data_dir
    if not folder.is_dir():
        down["disk"] = "no_data_folder"
    elif shutil.disk_usage(folder).free < LEAST_DISK:
        down["disk"] = "nearly_full"
    return down


def _database_faults(db: Database, now: datetime) -> dict[str, str]:
    with db.read() as session:
        session.execute(text("SELECT 1"))
        state = schema_state(session.connection())
    if state is not SchemaState.CURRENT:
        return {"schema": state.value}
    silent = heartbeats.silent(db, tuple(PROCESSES), now)
    return {PROCESSES[name]: "silent" for name in silent}


def _asked(check: Check) -> Sequence[str]:
    try:
        return check.faults()
    except Exception as error:
        return [type(error).__name__]


def _may_read_metrics() -> bool:
    """This machine itself when no proxy stands before it, or whoever shows the token."""
    settings, request = part(Settings), flask.request
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.metrics_token and hmac.compare_digest(shown.encode(), settings.metrics_token.encode()):
        return True
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    return not forwarded and request.remote_addr in ("127.0.0.1", "::1")


class _Figures:
    """What is counted when it is asked for: jobs by queue and state, how late the oldest is, signs of life."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        db, now = part(Database), part(Clock).now()  # type: ignore[type-abstract]
        counted = GaugeMetricFamily("hub_jobs", "Jobs by queue and state", labels=["queue", "state"])
        late = GaugeMetricFamily("hub_job_lateness_seconds", "Age of the oldest job that is due", labels=["queue"])
        ages = GaugeMetricFamily("hub_heartbeat_age_seconds", "Time since a process gave a sign", labels=["process"])
        with db.read() as session:
            waiting = (
                select(Job.queue, Job.state, func.count()).where(Job.state != "done").group_by(Job.queue, Job.state)
            )
            for queue, state, number in session.execute(waiting):
                counted.add_metric([queue, state], number)
            oldest = (
                select(Job.queue, func.min(Job.due)).where(Job.state == "waiting", Job.due <= now).group_by(Job.queue)
            )
            for queue, due in session.execute(oldest):
                late.add_metric([queue], (now - due).total_seconds())
            for row in session.scalars(select(heartbeats.Heartbeat)):
                ages.add_metric([row.name], (now - row.at).total_seconds())
        yield from (counted, late, ages)
