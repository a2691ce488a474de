"""Taking a step with a case: who is offered which, and doing one, safe against two people at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from cases import visibility, workflow
from cases.errors import Conflict, NotFound, NotNow
from cases.models import Answer, Assignment, Case
from cases.operations import accusations, attachments, base, silence
from cases.operations.inputs import FileGiven
from core.database import Database
from core.files import FileStore
from core.uploads import Inspected
from organisations.people import Actor
from workbench.queries import casefile
from workbench.steps import BY_OPERATION, PROPOSE, STEPS, Step, Target
from workbench.typed import Typed


@dataclass(frozen=True)
class Offer:
    """One step that a person may take now, and with which assignment; `refused`: why not, when it is shown disabled."""

    step: Step
    assignment: Assignment | None = None
    office: str = ""
    refused: str = ""

    @property
    def assignment_id(self) -> int:
        """The assignment's id, 0 when the step is about the case."""
        return self.assignment.id if self.assignment else 0


@dataclass(frozen=True)
class Seen:
    """What a person saw when they filled a form in: the case's version and its last event."""

    version: int
    seq: int


class Overtaken(Conflict):
    """Somebody else changed the case since the form was opened; `seq` is the last event the person had seen."""

    def __init__(self, seq: int) -> None:
        super().__init__()
        self.seq = seq


def offers(
    session: Session, actor: Actor, at: datetime, case: Case, rows: Sequence[Assignment], offices: dict[int, str]
) -> list[Offer]:
    """The steps open to this person from where the case stands, the main one first."""
    found: list[Offer] = []
    case_steps = {t.operation for t in workflow.open_to("case", case.stage)}
    if not silence.is_unanswered(session, case):
        case_steps.discard("lapse_unanswered")
    if case.accusation in accusations.SUSPECTED:
        case_steps.discard("suspect_by_hand")
    if case.merged_into_id is not None:
        case_steps.discard("reopen")
    for step in STEPS:
        if step.operation in case_steps and base.offered(actor, step.operation):
            found.append(Offer(step))
    judged = casefile.evaluated(session, [row for row in rows if row.state == "confirmed"])
    for row in rows:
        open_steps = {t.operation for t in workflow.open_to("assignment", row.state)}
        for step in STEPS:
            if step.operation in open_steps and base.offered(actor, step.operation, row):
                found += _offer(actor, at, step, row, offices, row.id in judged)
    answered = case.stage in ("asking", "closed") and case.merged_into_id is None
    if answered and case.accusation == "no" and actor.can("reply.propose"):
        found.append(Offer(PROPOSE))
    return sorted(found, key=lambda offer: (offer.step.order, offer.assignment_id))


def _offer(
    actor: Actor, at: datetime, step: Step, row: Assignment, offices: dict[int, str], judged: bool
) -> list[Offer]:
    """One step with an assignment: absent where it was done already, disabled with its reason where it is too late."""
    late = row.return_until is not None and at > row.return_until
    absent = {
        "evaluate": judged,
        "claim": row.claimed_by_id == actor.account_id,
        "first_contact": row.first_contact_at is not None,
        "ask_return": not late,
    }
    if absent.get(step.operation):
        return []
    refused = _("退回期限已过，请用“申请退回”。") if step.operation == "return" and late else ""
    return [Offer(step, row, offices.get(row.organisation_id, ""), refused)]


def perform(
    db: Database,
    actor: Actor,
    at: datetime,
    operation: str,
    case_id: int,
    typed: Typed,
    *,
    seen: Seen | None = None,
    assignment_id: int | None = None,
    files: Sequence[FileGiven] = (),
) -> tuple[Step, object]:
    """Take a step in one write session; gives the step and what its operation gave.

    Raises NotFound for a case or assignment that is not this person's to see, Overtaken when the case changed since it
    was seen, and whatever the operation raises.
    """
    step = BY_OPERATION.get(operation)
    if step is None:
        raise NotFound()
    with db.write() as session:
        case = base.lock_case(session, case_id)
        require_visible(session, actor, case)
        if seen is not None and seen.version != case.version:
            raise Overtaken(seen.seq)
        target = Target(case, _assignment(session, case, assignment_id))
        result = step.run(session, actor, at, target, typed)
        if files:
            answer_id = result.id if isinstance(result, Answer) else None
            attachments.add_with_step(session, actor, at, case, files, answer_id=answer_id)
        return step, result


def require_visible(session: Session, actor: Actor, case: Case) -> None:
    """Raise NotFound for a case that is not this person's to see, before anything about it is told."""
    if not visibility.may_see(session, actor, case):
        raise NotFound()


def _assignment(session: Session, case: Case, assignment_id: int | None) -> Assignment | None:
    if assignment_id is None:
        return None
    row = session.get(Assignment, assignment_id)
    if row is None or row.case_id != case.id:
        raise NotFound()
    if row.round != case.round:
        raise NotNow()
    return row


def keep_files(store: FileStore, inspected: Sequence[Inspected]) -> list[FileGiven]:
    """Put files that were judged into the store, before the write session."""
    kept = []
    for file in inspected:
        stored = store.put(file.data)
        kept.append(FileGiven(file.name, file.kind, file.media_type, stored.size, stored.sha256, stored.key))
    return kept
