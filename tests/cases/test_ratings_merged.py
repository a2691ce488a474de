"""A judgement belongs to a case and its round: what was said of a case is no obstacle in the one it went into."""

from __future__ import annotations

from town import at

from cases.models import Case, Rating
from cases.operations import closing, merging, rounds
from cases.sweep import sweep
from core.clock import FixedClock
from organisations.people import CITIZEN


def merged_after_a_new_round(town) -> tuple[int, int]:
    """A case judged in its first round, reopened, merged into another whose citizens are asked in its own first."""
    first, second = town.case(), town.case("第二件", "完全不同的内容")
    submission_id = town.submission(first)
    town.asking(first)
    with town.db.write() as session:
        closing.rate(session, CITIZEN, at(25), submission_id, True, True, 5)
    with town.db.write() as session:
        rounds.reopen(session, town.officer, at(25, 11), first, reason="又坏了")
        merging.merge(session, town.officer, at(25, 12), first, second)
    town.asking(second)
    return submission_id, second


def test_silence_after_a_merge_closes_the_case(town):
    submission_id, second = merged_after_a_new_round(town)
    for when in (at(5, month=12), at(20, month=12)):
        sweep(town.db, FixedClock(when))
    assert town.get(Case, second).stage == "closed"
    assert [(row.way, row.satisfaction) for row in town.rows(Rating, submission_id=submission_id)] == [
        ("web", 5), ("lapsed", None),
    ]  # fmt: skip


def test_a_citizen_judges_the_case_that_theirs_went_into(town):
    submission_id, second = merged_after_a_new_round(town)
    with town.db.write() as session:
        closing.rate(session, CITIZEN, at(26), submission_id, True, True, 2)
    assert [(row.case_id == second, row.satisfaction) for row in town.rows(Rating, submission_id=submission_id)] == [
        (False, 5), (True, 2),
    ]  # fmt: skip
