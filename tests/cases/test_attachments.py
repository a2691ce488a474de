"""Files of citizens and handlers: listed with their case, opened only by who may see it, on record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import Attachment, Case, Event
from cases.operations import attachments, dispatch, handling
from cases.operations.submissions import FileGiven
from core.audit import AuditEntry
from core.clock import FixedClock
from core.database import Database
from tests.cases.petitions import ordinary

pytestmark = pytest.mark.usefixtures("city")

PHOTO = FileGiven("徐晓梅家门口.jpg", "image", "image/jpeg", 1000, "a" * 64, "files/1")
PROOF = FileGiven("修复后.pdf", "pdf", "application/pdf", 2000, "b" * 64, "files/2")


def test_files_belong_to_the_case_and_are_opened_on_record(city: Any, db: Database, clock: FixedClock) -> None:
    done, case_id = ordinary(db, clock.now(), files=(PHOTO,))
    handler, stranger = city.actor("huo.yan"), city.actor("le.tian")
    with db.write() as session:
        dispatch.assign(session, city.actor("pei.zhengyu"), clock.now(), case_id, city.organisation("TC-CGJ"))
    with db.write() as session:
        attachments.add_evidence(session, handler, clock.now(), case_id, [PROOF])
    with db.read() as session:
        files = attachments.of_case(session, case_id)
        assert [f.name for f in files] == ["徐晓梅家门口.jpg", "修复后.pdf"]
        assert [f.name for f in attachments.of_submission(session, done.submission.id)] == ["徐晓梅家门口.jpg"]
        assert "徐晓梅" not in str(session.execute(text("select * from attachments")).all())
        added = session.scalars(select(Event).where(Event.kind == "evidence_added")).one()
        assert (added.actor_id, added.data) == (handler.account_id, {"attachments": [files[1].id]})
    for file in files:
        with db.write() as session:
            assert attachments.open_attachment(session, handler, clock.now(), file.id).key == file.key
        with pytest.raises(NotFound), db.write() as session:
            attachments.open_attachment(session, stranger, clock.now(), file.id)
    with db.read() as session:
        read = session.scalars(select(AuditEntry).where(AuditEntry.action == "attachment_read")).all()
        assert [entry.subject_id for entry in read] == [file.id for file in files]
    for actor, changes, error in ((stranger, {}, NotFound), (handler, {"answer_id": 1}, Invalid)):
        with pytest.raises(error), db.write() as session:
            attachments.add_evidence(session, actor, clock.now(), case_id, [PROOF], **changes)


@pytest.mark.parametrize("disclosure", ["confidential", "anonymous"])
def test_a_file_that_shows_who_wrote_is_opened_by_who_may_know(
    city: Any, db: Database, clock: FixedClock, disclosure: str
) -> None:
    _done, case_id = ordinary(db, clock.now(), files=(PHOTO,), disclosure=disclosure)
    officer = city.actor("pei.zhengyu")
    with db.write() as session:
        dispatch.assign(session, officer, clock.now(), case_id, city.organisation("TC-CGJ"))
        file = session.scalars(select(Attachment)).one()
    with pytest.raises(Forbidden) as refused, db.write() as session:
        attachments.open_attachment(session, city.actor("huo.yan"), clock.now(), file.id)
    assert "核对后转来" in refused.value.message
    with db.write() as session:
        assert attachments.open_attachment(session, officer, clock.now(), file.id).key == file.key


def test_evidence_comes_from_who_is_at_work_on_an_open_case(city: Any, db: Database, clock: FixedClock) -> None:
    _done, case_id = ordinary(db, clock.now())
    officer, handler, supervisor = (city.actor(name) for name in ("pei.zhengyu", "huo.yan", "dou.jianping"))
    with db.write() as session:
        row = dispatch.assign(session, officer, clock.now(), case_id, city.organisation("TC-CGJ"))
    with pytest.raises(Forbidden), db.write() as session:
        attachments.add_evidence(session, supervisor, clock.now(), case_id, [PROOF])
    with db.write() as session:
        attachments.add_evidence(session, officer, clock.now(), case_id, [PROOF])
        handling.return_(session, handler, clock.now(), row.id, reason="不是我局职责")
    with pytest.raises(Forbidden), db.write() as session:
        attachments.add_evidence(session, handler, clock.now(), case_id, [PROOF])
    with db.write() as session:
        session.execute(update(Case).where(Case.id == case_id).values(stage="closed"))
    with pytest.raises(NotNow), db.write() as session:
        attachments.add_evidence(session, officer, clock.now(), case_id, [PROOF])
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Attachment)) == 1
