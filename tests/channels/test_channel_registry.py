"""The registry: settings switch channels on, and a wrong setting stops the start with a sentence."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from channels.adapters.console import Console
from channels.adapters.sms import Sms
from channels.adapters.wechat import WeChat
from channels.contract import Outgoing, Rejected
from channels.registry import discover, load
from core.config import SettingsError, load_settings
from tests.channels.payloads import settings_of


def test_every_file_in_the_folder_is_a_channel() -> None:
    files = {path.stem for path in Path("channels/adapters").glob("*.py")} - {"__init__"}
    assert set(discover()) == files


def test_only_what_is_switched_on_receives() -> None:
    channels = load(settings_of("wechat"))
    assert isinstance(channels.receiver("wechat"), WeChat)
    assert channels.receiver("sms") is None
    assert channels.receiver("console") is None


def test_who_sends() -> None:
    channels = load(settings_of("sms"))
    assert isinstance(channels.sender("sms"), Sms)
    assert isinstance(load(load_settings()).sender("sms"), Console)
    assert load(settings_of("wechat")).sender("wechat") is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"channels": "pigeon"},
            "Setting HUB_CHANNELS: no channel is called 'pigeon'; there are console, sms, wechat.",
        ),
        ({"channels": "wechat"}, "Channel wechat is switched on in HUB_CHANNELS and needs HUB_WECHAT_TOKEN."),
        (
            {"channels": "sms", "twilio_from": "+86100"},
            "Channel sms is switched on in HUB_CHANNELS and needs HUB_TWILIO_ACCOUNT_SID, HUB_TWILIO_AUTH_TOKEN.",
        ),
        (
            {"channels": "wechat", "wechat_token": "t", "wechat_app_id": "wx1", "wechat_aes_key": "short"},
            "Setting HUB_WECHAT_AES_KEY: should be the EncodingAESKey, 43 characters.",
        ),
        (
            {"channels": "wechat", "wechat_token": "t", "wechat_aes_key": "a" * 43},
            "Setting HUB_WECHAT_APP_ID: needed with HUB_WECHAT_AES_KEY.",
        ),
    ],
)
def test_a_wrong_setting_stops_the_start(wrong: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(load_settings(**wrong))
    assert str(caught.value) == sentence


def test_the_console_writes_a_file_only_its_owner_reads_and_logs_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(load_settings(data_dir=tmp_path))
    sent = console.send(Outgoing("sms", "n1", "+8613800000001", "您的编号 2611240000017"))
    path = tmp_path / "outbox.jsonl"
    assert json.loads(path.read_text())["text"] == "您的编号 2611240000017"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    printed = capsys.readouterr().out
    assert sent.provider_id in printed
    assert "13800000001" not in printed and "2611240000017" not in printed


def test_on_a_public_hub_the_console_does_not_claim_to_have_sent(tmp_path: Path) -> None:
    console = Console(load_settings(data_dir=tmp_path, public_url="https://12345.example.cn"))
    with pytest.raises(Rejected) as caught:
        console.send(Outgoing("sms", "n1", "+8613800000001", "text"))
    assert caught.value.code == "no_provider"
    assert not (tmp_path / "outbox.jsonl").exists()
