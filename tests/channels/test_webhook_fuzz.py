"""500 generated webhook bodies, signed; benchmarks/fuzz_webhooks.py sends 10,000."""

from __future__ import annotations

from benchmarks.fuzz_webhooks import run


def test_generated_bodies_reach_parse_and_never_break_the_hub() -> None:
    result = run(500, seed=7)
    assert result.sent == 500
    assert result.server_errors == 0, result.worst[:3]
    assert result.stumbled == 0
    assert result.parsed >= 0.8
    assert result.statuses[200] >= 100 and result.statuses[400] >= 50
