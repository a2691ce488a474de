"""Work in the background that failed for good: look and try again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit
from core import jobs as queue
from core.database import Database
from core.web import context
from core.web.access import staff
from core.web.paging import paged
from core.web.parts import part

PERMISSION = "admin.policies"


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/work/admin/jobs", "jobs", listing)
    blueprint.add_url_rule("/work/admin/jobs/<int:job_id>/revive", "job_revive", revive, methods=["POST"])


def dead_count(session: Session, _actor: Any, _at: datetime) -> int:
    """How many jobs are dead."""
    return session.scalar(select(func.count()).select_from(queue.Job).where(queue.Job.state == "dead")) or 0


@staff(PERMISSION)
def listing() -> str:
    """Dead jobs, the latest first; and what waits, by queue."""
    dead = select(queue.Job).where(queue.Job.state == "dead").order_by(queue.Job.finished_at.desc(), queue.Job.id)
    waiting = select(queue.Job.queue, func.count(), func.min(queue.Job.due)).where(queue.Job.state == "waiting")
    with part(Database).read() as session:
        page = paged(session, dead)
        queues = session.execute(waiting.group_by(queue.Job.queue).order_by(queue.Job.queue)).all()
    return flask.render_template("workbench/admin/jobs.html", page=page, queues=queues)


@staff(PERMISSION)
def revive(job_id: int) -> Any:
    """Give a dead job its attempts again."""
    at = context.now()
    with part(Database).write() as session:
        queue.revive(session, job_id, at)
        audit.record(session, at=at, actor_id=context.actor().account_id, action="job_revived", subject="job",
                     subject_id=job_id)  # fmt: skip
    context.tell(_("已重新排队，几秒后会再试。"))
    return flask.redirect(flask.url_for("workbench.jobs"))
