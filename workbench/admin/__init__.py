"""Pages by which administrators change rows: accounts, organisations, catalogue, calendar, deadlines, words."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import lazy_gettext as _l

from core.web.navigation import NavEntry
from core.web.navigation import register as register_places
from workbench.admin import (
    accounts,
    audit_trail,
    calendars,
    catalogue,
    deadlines,
    jobs,
    notices,
    numbers,
    structure,
    words,
)

MODULES = (accounts, structure, catalogue, calendars, deadlines, words, notices, numbers, jobs, audit_trail)

PLACES = (
    NavEntry(
        "workbench.catalogue",
        _l("派单目录"),
        "route",
        ("admin.catalogue",),
        400,
        group="管理",
        others=("workbench.catalogue_*",),
    ),
    NavEntry(
        "workbench.organisations",
        _l("机构和岗位"),
        "building",
        ("admin.organisations",),
        410,
        group="管理",
        others=("workbench.organisation_*",),
    ),
    NavEntry(
        "workbench.accounts",
        _l("账号和角色"),
        "user",
        ("admin.accounts",),
        420,
        group="管理",
        others=("workbench.account_*",),
    ),
    NavEntry(
        "workbench.deadlines",
        _l("办理时限"),
        "clock",
        ("admin.policies",),
        430,
        group="管理",
        others=("workbench.deadline_*",),
    ),
    NavEntry(
        "workbench.calendars",
        _l("工作日历"),
        "calendar",
        ("admin.calendar",),
        440,
        group="管理",
        others=("workbench.calendar_*",),
    ),
    NavEntry(
        "workbench.words",
        _l("字典和依据"),
        "tune",
        ("admin.policies",),
        450,
        group="管理",
        others=("workbench.word_*",),
    ),
    NavEntry(
        "workbench.notice_templates",
        _l("通知用语"),
        "message",
        ("admin.policies",),
        455,
        group="管理",
        others=("workbench.notice_template*",),
    ),
    NavEntry(
        "workbench.jobs",
        _l("后台任务"),
        "swap",
        ("admin.policies",),
        460,
        jobs.dead_count,
        group="管理",
        late=True,
        others=("workbench.job_*",),
    ),
    NavEntry("workbench.audit", _l("审计记录"), "shield", ("audit.read",), 470, group="管理"),
)


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes of every page and their places in the navigation."""
    for module in MODULES:
        module.register(blueprint)
    blueprint.record_once(_add_places)


def _add_places(state: Any) -> None:
    register_places(state.app, PLACES)
