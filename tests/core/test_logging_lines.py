"""A log that can't be written stops nobody's work."""

from __future__ import annotations

import json
import sys

import pytest
import structlog

from core import logging


class Full:
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    logging.configure()
    monkeypatch.setattr(sys, "stdout", Full())
    structlog.get_logger("test").error("delivery_failed", exc_info=ValueError("text of a citizen"))


def test_lines_are_json_without_the_words_of_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure()
    structlog.get_logger("test").warning("job_failed", job_id=1, exc_info=ValueError("text of a citizen"))
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["job_id"], line["error"]) == ("job_failed", 1, "ValueError")
    assert "citizen" not in json.dumps(line)


def test_a_test_that_configures_logging_hides_nothing_from_the_next() -> None:
    log = logging.get_logger("shared by both")
    logging.configure("ERROR")
    log.warning("before")
    logging.configure("INFO")
    with structlog.testing.capture_logs() as entries:
        log.warning("after")
    assert [entry["event"] for entry in entries] == ["after"]


def test_an_error_out_of_code_without_a_file_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure()
    try:
        exec("1 / 0")
    except ZeroDivisionError as error:
        structlog.get_logger("test").error("job_failed", exc_info=error)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["error"], line["at"][-1]) == ("job_failed", "ZeroDivisionError", "<string>:1")
