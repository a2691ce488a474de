"""Who acts in the demonstration city: its accounts, and for an office without one the office itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from organisations.models import Account, Area, Organisation, Post
from organisations.people import Actor, actor_for

OFFICERS = ("pei.zhengyu", "ji.siyuan", "lai.xue")
CHIEF = "shangguan.min"
AGENTS = ("fang.yating", "qiao.man", "geng.hao")
PUBLISHER = "zhuang.xiaoli"
DUTY = "niu.guoqiang"
SUPERVISORS = ("dou.jianping", "tan.xiuzhen")
READER = "bai.zhengxing"
READING_OFFICER = "shi.lan"  # named by the reader to assign what is an accusation


class People:
    """The acting persons, read once. Raises LookupError for an account that the city does not have."""

    def __init__(self, session: Session, at: datetime) -> None:
        accounts = dict(session.execute(select(Account.username, Account.id)).tuples().all())
        self._by_name = {name: actor_for(session, account_id, at) for name, account_id in accounts.items()}
        self._staff: dict[int, list[Actor]] = {}
        by_id = {actor.account_id: actor for actor in self._by_name.values()}
        for office, account_id in session.execute(select(Post.organisation_id, Post.account_id).order_by(Post.id)):
            self._staff.setdefault(office, []).append(by_id[account_id])
        self.offices = dict(session.execute(select(Organisation.code, Organisation.id)).tuples().all())
        self.areas = dict(session.execute(select(Area.code, Area.id)).tuples().all())

    def named(self, username: str) -> Actor:
        """The acting person of an account."""
        if username not in self._by_name:
            raise LookupError(f"the demonstration city has no account {username}")
        return self._by_name[username]

    def of(self, organisation_id: int, permission: str) -> Actor:
        """Somebody of an office who holds a permission; where it has no account, the office itself."""
        for actor in self._staff.get(organisation_id, []):
            if actor.can(permission):
                return actor
        return Actor(None, (organisation_id,), kind="system")
