"""The case file tells of what was sent on a channel beside words, and shows a position only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from core.audit import AuditEntry
from intake.models import Dialogue, Turn
from organisations.people import Actor
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]


def send_pictures(wb: Desk, case_id: int) -> None:
    """Two pictures and a recording, as a dialogue on WeChat keeps them."""
    at = wb.clock.now()
    with wb.db.write() as session:
        row = Dialogue(channel="wechat", sender_digest="d", state="submitted", started_at=at, last_at=at)
        row.submission_id = wb.submission(case_id).id
        session.add(row)
        session.flush()
        for delivery_id, kind in ((1, "picture"), (2, "picture"), (3, "voice")):
            turn = Turn(delivery_id=delivery_id, dialogue_id=row.id, kind=kind, role="material", at=at)
            turn.reference = f"media-{delivery_id}"
            session.add(turn)


def test_pictures_that_are_held_are_told_of(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id, other = wb.in_hand(channel="wechat"), wb.in_hand()
    send_pictures(wb, case_id)
    sign_in(client, "huo.yan")
    page = client.get(f"/work/cases/{case_id}").text
    assert "群众在微信还发来图片 2 件、语音 1 件，已原样留存" in page
    assert "查询码在网上“补充”处上传" in page and "media-1" not in page
    assert "已原样留存" not in client.get(f"/work/cases/{other}").text


def test_a_position_is_shown_when_asked_for_and_on_record(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand(position="23.134521,113.358803", datum="GCJ-02")
    submission = wb.submission(case_id)
    assert "113.358803" not in str(submission.position_sealed) and submission.position == "23.134521,113.358803"
    sign_in(client, "pei.zhengyu")
    page = client.get(f"/work/cases/{case_id}").text
    assert "梧桐里小区东侧（另发来地图位置）" in page and "113.358803" not in page
    shown = client.post(f"/work/cases/{case_id}/reveal", data={"submission": submission.id, "kind": "place"}).text
    assert "梧桐里小区东侧（23.134521,113.358803 GCJ-02）" in shown
    with wb.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "revealed")).one()
    assert entry.details["kind"] == "place"
