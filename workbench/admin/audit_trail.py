"""The audit chain, for auditors only: who did what to what, and when."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import flask
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import audit
from core.clock import from_local
from core.database import Database
from core.web import context
from core.web.access import staff
from core.web.forms import day_of, whole
from core.web.paging import Slice
from core.web.parts import part
from organisations.models import Account
from workbench.queries import audit_names

PERMISSION = "audit.read"
_SIZE = 50
ACTIONS = {
    "signed_in": "登录",
    "signed_out": "退出登录",
    "sign_in_failed": "登录失败",
    "signed_out_everywhere": "退出所有登录",
    "account_created": "建账号",
    "account_disabled": "停用账号",
    "account_enabled": "启用账号",
    "role_granted": "分配角色",
    "role_revoked": "收回角色",
    "reset_issued": "发重置链接",
    "password_reset": "重置密码",
    "password_changed": "改密码",
    "totp_confirmed": "启用动态口令",
    "totp_removed": "解除动态口令",
    "totp_policy_changed": "改动态口令要求",
    "catalogue_drafted": "建目录草稿",
    "catalogue_row_saved": "改目录条目",
    "catalogue_row_removed": "删目录条目",
    "catalogue_row_restored": "恢复目录条目",
    "catalogue_discarded": "放弃目录草稿",
    "catalogue_published": "发布目录",
    "working_day_set": "改工作日",
    "working_day_cleared": "恢复工作日",
    "office_hours_set": "改办公时间",
    "organisation_added": "建单位",
    "organisation_changed": "改单位",
    "post_given": "分配岗位",
    "post_ended": "结束岗位",
    "term_saved": "改字典",
    "ground_saved": "改依据",
    "policy_changed": "改时限",
    "policy_set_used": "启用时限办法",
    "job_revived": "重试后台任务",
    "audit_read": "查看审计记录",
    "number_blocked": "限制号码",
    "number_unblocked": "解除号码限制",
    "phone_set": "设手机号",
    "phone_removed": "删手机号",
    "notice_changed": "改通知文字",
    "notice_restored": "恢复通知文字",
    "case_read": "查看办件",
    "reader_named": "指定检举控告件的阅办人",
    "accusation_marked": "标为疑似检举控告",
    "revealed": "查看完整个人信息",
    "masked_words_read": "查看隐去的文字",
    "person_searched": "按完整号码查人",
    "attachment_read": "打开附件",
    "code_reissued": "换发查询码",
    "exported": "导出",
    "dialogue_submitted": "代为提交未完成的对话",
    "dialogue_closed": "关闭未完成的对话",
    "model_put_in_use": "启用分类模型",
}
SUBJECTS = {
    "account": "账号",
    "case": "办件",
    "submission": "诉求",
    "citizen": "群众",
    "organisation": "单位",
    "catalogue": "派单目录",
    "calendar": "工作日历",
    "role": "角色",
    "term": "字典",
    "ground": "依据",
    "policy": "时限",
    "policy_set": "时限办法",
    "job": "后台任务",
    "attachment": "附件",
    "audit": "审计记录",
    "cases": "办件列表",
    "late": "超期件列表",
    "dialogue": "对话",
    "call_back": "回访",
    "number": "号码",
    "notice_template": "通知文字",
    "published_reply": "公开的答复",
    "model": "分类模型",
}


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/work/admin/audit", "audit", listing)


@staff(PERMISSION)
def listing() -> str:
    """Entries, the latest first, by actor, subject and day; reading them leaves an entry too."""
    args = flask.request.args
    shown = {name: args.get(name, "").strip()[:60] for name in ("who", "action", "subject", "subject_id", "from", "to")}
    after = whole(args.get("after"))
    with part(Database).read() as session:
        query = _filtered(session, select(audit.AuditEntry), shown)
        if after is not None:
            query = query.where(audit.AuditEntry.seq < after)
        rows = list(session.scalars(query.order_by(audit.AuditEntry.seq.desc()).limit(_SIZE + 1)))
        things = audit_names.things(session, rows)
    more = str(rows[_SIZE - 1].seq) if len(rows) > _SIZE else ""
    page = Slice(rows[:_SIZE], more, args.get("after", ""))
    _note(shown)
    return flask.render_template("workbench/admin/audit.html", page=page, shown=shown, things=things,
                                 actions=ACTIONS, subjects=SUBJECTS, keys=audit_names.DETAILS,
                                 references=audit_names.REFERENCES)  # fmt: skip


def _filtered(
    session: Session, query: Select[tuple[audit.AuditEntry]], shown: dict[str, str]
) -> Select[tuple[audit.AuditEntry]]:
    entry = audit.AuditEntry
    if shown["who"]:
        account_id = session.scalar(select(Account.id).where(Account.username == shown["who"].lower()))
        query = query.where(entry.actor_id == (account_id or 0))
    if shown["action"] in ACTIONS:
        query = query.where(entry.action == shown["action"])
    if shown["subject"] in SUBJECTS:
        query = query.where(entry.subject == shown["subject"])
    if (subject_id := whole(shown["subject_id"])) is not None:
        query = query.where(entry.subject_id == subject_id)
    if (first := day_of(shown["from"])) is not None:
        query = query.where(entry.at >= from_local(datetime.combine(first, time())))
    if (last := day_of(shown["to"])) is not None:
        query = query.where(entry.at < from_local(datetime.combine(last + timedelta(days=1), time())))
    return query


def _note(shown: dict[str, str]) -> None:
    codes = {name: shown[name] for name in ("action", "subject", "from", "to") if shown[name]}
    with part(Database).write() as session:
        audit.record(session, at=context.now(), actor_id=context.actor().account_id, action="audit_read",
                     subject="audit", details=codes)  # fmt: skip
