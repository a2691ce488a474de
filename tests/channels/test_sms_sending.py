"""Sending by Twilio, shown against a stand-in server at TWILIO_API_BASE."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from channels.adapters import sms
from channels.adapters.sms import Sms
from channels.contract import Outgoing, ReceiptStatus, Rejected, Retryable
from tests.channels.payloads import settings_of
from tests.channels.provider_stub import Provider, provider_stub

TEXT = Outgoing("sms", "notice-1", "+8613800000001", "您的诉求已办结 😀")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_stub() as stub:
        yield stub


def sender(provider: Provider, path: str = "") -> Sms:
    return Sms(settings_of("sms", twilio_api_base=provider.address + path))


def test_the_message_goes_to_the_address_in_the_settings(provider: Provider) -> None:
    sent = sender(provider, "/standin").send(TEXT)
    ((path, authorization, form),) = provider.asked
    account = "AC" + "0" * 32
    assert path == f"/standin/2010-04-01/Accounts/{account}/Messages.json"
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{account}:test-twilio-token"
    assert form == {
        "To": ["+8613800000001"],
        "From": ["+8657112345000"],
        "Body": ["您的诉求已办结 😀"],
        "StatusCallback": ["https://12345.example.cn/hooks/status/sms"],
    }
    assert sent.provider_id == "SM" + "1" * 32 and sent.status is ReceiptStatus.ACCEPTED


def test_the_machine_s_own_twilio_variables_are_not_used(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWILIO_REGION", "TWILIO_EDGE", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "other")
    sender(provider).send(TEXT)
    assert "other" not in str(provider.asked)


@pytest.mark.parametrize(
    ("status", "code", "raises", "neutral"),
    [
        (429, 20429, Retryable, "busy"),
        (500, None, Retryable, "provider_down"),
        (503, None, Retryable, "provider_down"),
        (401, 20003, Retryable, "not_authorised"),
        (400, 21211, Rejected, "bad_address"),
        (400, 21610, Rejected, "opted_out"),
        (400, 21617, Rejected, "refused"),
    ],
)
def test_a_refusal_says_whether_to_try_again(
    provider: Provider, status: int, code: int | None, raises: type[Exception], neutral: str
) -> None:
    provider.status, provider.body = status, {"code": code, "message": "no", "status": status}
    with pytest.raises((Retryable, Rejected)) as caught:
        sender(provider).send(TEXT)
    assert (type(caught.value), caught.value.code) == (raises, neutral)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"{}", b"null", b"7"])
@pytest.mark.parametrize("status", [201, 400, 502])
def test_an_answer_that_cannot_be_read_is_an_error_of_ours(provider: Provider, status: int, body: bytes) -> None:
    provider.status, provider.body = status, body
    with pytest.raises((Retryable, Rejected)):
        sender(provider).send(TEXT)


def test_no_connection_can_be_tried_again() -> None:
    with provider_stub() as stub:
        adapter = sender(stub)
    with pytest.raises(Retryable) as caught:
        adapter.send(TEXT)
    assert (caught.value.code, caught.value.maybe_sent) == ("no_connection", False)


def test_no_answer_can_be_tried_again_and_may_have_been_sent(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sms, "_TIMEOUT", 0.3)
    provider.silent = True
    with pytest.raises(Retryable) as caught:
        sender(provider).send(TEXT)
    assert (caught.value.code, caught.value.maybe_sent) == ("timeout", True)
