"""Roles and permissions as data: what each role may do. Standard library only, so that it can be read and checked.

Which account holds which role is a row (RoleGrant). System, security and audit administrator are kept apart: one
account never holds two of them (三员分立, GB/T 22239-2019 8.1.5).
"""

from __future__ import annotations

from dataclasses import dataclass

# code: Chinese label. Reading an accusation is no permission: readers are named case by case.
PERMISSIONS = {
    "case.read": "查看本单位办件",
    "case.review": "分流审核",
    "case.handle": "承办办理",
    "case.approve": "审核把关",
    "case.supervise": "督办",
    "reply.propose": "提出公开答复",
    "reply.release": "发布公开答复",
    "call.register": "登记来电",
    "call.block": "限制骚扰号码",
    "person.reveal": "查看完整个人信息",
    "person.search": "按完整号码查人",
    "export": "导出表格",
    "audit.read": "查看审计记录",
    "admin.accounts": "管理账号和角色",
    "admin.organisations": "管理机构和岗位",
    "admin.catalogue": "管理派单目录",
    "admin.calendar": "管理工作日历",
    "admin.policies": "管理时限和策略",
}


@dataclass(frozen=True)
class Role:
    """A role: its Chinese name and what it may do."""

    code: str
    name: str
    permissions: frozenset[str]


def _role(code: str, name: str, *permissions: str) -> Role:
    return Role(code, name, frozenset(permissions))


ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        _role("agent", "话务员", "case.read", "call.register", "reply.propose", "person.reveal", "person.search"),
        _role("diversion", "分流员", "case.read", "case.review", "reply.propose", "person.reveal", "person.search"),
        _role("handler", "承办人", "case.read", "case.handle", "reply.propose", "person.reveal"),
        _role("approver", "审核人", "case.read", "case.approve", "reply.propose", "person.reveal"),
        _role("publisher", "答复发布员", "case.read", "reply.release"),
        # Reads no case by itself: accusations name their holders as first readers.
        _role("accusation_reader", "检举控告受理人", "person.reveal"),
        _role("supervisor", "督办员", "case.read", "case.supervise", "call.block", "export"),
        _role("leader", "领导", "case.read", "case.supervise", "export"),
        _role(
            "system_admin",
            "系统管理员",
            "admin.organisations",
            "admin.catalogue",
            "admin.calendar",
            "admin.policies",
        ),
        _role("security_admin", "安全管理员", "admin.accounts"),
        _role("auditor", "审计管理员", "audit.read"),
    )
}

SEPARATED = frozenset({"system_admin", "security_admin", "auditor"})

# These reach every case of the city (or of the area in the grant), not only those of the person's own organisations.
CITY_WIDE = frozenset({"case.review", "case.supervise", "call.register"})


def permissions_of(roles: frozenset[str] | set[str]) -> frozenset[str]:
    """Everything that a set of role codes may do; an unknown code gives nothing."""
    return frozenset().union(*(ROLES[role].permissions for role in roles if role in ROLES))


def joined_wrongly(roles: frozenset[str] | set[str]) -> frozenset[str]:
    """The administrator roles among these when there is more than one, which no account may hold; else empty."""
    held = SEPARATED & roles
    return held if len(held) > 1 else frozenset()
