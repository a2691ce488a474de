"""Settings: read from the environment (prefix HUB_) and a .env file, typed and checked at start."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

DEFAULT_SECRETS = frozenset({"change-me", "changeme", "secret", "dev", "development", "password", "default"})
_MIN_SECRET = 32
_SECRET_NAMES = ("secret_key", "index_key")
_PREFIX = "HUB_"
ENV_FILE = "HUB_ENV_FILE"
# What begins like a setting and is none: where the settings stand, and what the suite is told.
_BESIDE = (ENV_FILE, "HUB_TEST_")


class SettingsError(Exception):
    """A setting is missing or malformed; the text is a sentence that says which and what it should be."""


class Settings(BaseSettings):
    """Everything that differs between one machine and a city's installation."""

    model_config = SettingsConfigDict(env_prefix="HUB_", env_file=".env", extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Field(
        Path("data"), description="folder for the embedded database, broker, index, attachments and keys"
    )
    host: str = Field("127.0.0.1", description="address the web server listens on")
    port: int = Field(8000, ge=0, le=65535, description="port the web server listens on")
    public_url: str = Field(
        "",
        description="the address citizens use, such as https://12345.example.cn; empty: a demonstration on this machine",
    )
    secret_key: str = Field(
        "",
        description="at least 32 characters; signs forms and cookies; empty: made on first start and kept in the keys file",
    )
    field_keys: str = Field(
        "", description="encryption keys as id:base64 (32 bytes), comma separated, newest first; empty: the keys file"
    )
    index_key: str = Field("", description="key of look-up digests as id:base64 (32 bytes); empty: the keys file")
    field_cipher: Literal["aesgcm", "sm4gcm"] = Field(
        "aesgcm", description="cipher for new values: aesgcm, or sm4gcm for 密评"
    )
    database_url: str = Field("", description="postgresql+psycopg://…; empty: SQLite in the data folder")
    broker_url: str = Field("", description="redis://… or amqp://…; empty: a folder in the data folder")
    search_url: str = Field("", description="Elasticsearch address; empty: the embedded engine")
    media_url: str = Field("", description="where attachments are kept; empty: a folder in the data folder")
    channels: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="channels switched on, comma separated: wechat, sms"
    )
    wechat_token: str = Field("", description="token of the WeChat official account")
    wechat_app_id: str = Field("", description="app id of the WeChat official account")
    wechat_app_secret: str = Field("", description="app secret of the WeChat official account")
    wechat_aes_key: str = Field("", description="EncodingAESKey, 43 characters; empty: plain mode")
    wechat_api_base: str = Field("", description="another server in place of WeChat's, for tests")
    twilio_account_sid: str = Field("", description="Twilio account")
    twilio_auth_token: str = Field("", description="Twilio auth token; also checks signatures")
    twilio_from: str = Field("", description="number that text messages are sent from")
    twilio_api_base: str = Field("", description="another server in place of Twilio's, for tests")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="how many proxies in front may be believed about the caller's address"
    )
    metrics_token: str = Field("", description="token for /metrics from elsewhere than this machine")
    policy_set: Literal["zhengzhou", "meizhou"] = Field(
        "zhengzhou", description="deadline policy set a new installation starts with"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="what is logged")
    test_require: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="services the suite must find: postgresql, redis, chromium"
    )

    @field_validator("channels", "test_require", mode="before")
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/")):
            raise ValueError("should be like https://12345.example.cn, without a path")
        return value.rstrip("/")

    @field_validator("wechat_api_base", "twilio_api_base")
    @classmethod
    def _server(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("should begin with http:// or https:// and name a server")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("should begin with postgresql+psycopg:// or sqlite:///")
        if value:
            from sqlalchemy.engine import make_url  # only here: commands without a database start quickly
            from sqlalchemy.exc import ArgumentError

            try:
                make_url(value)
            except (ArgumentError, ValueError):  # their texts may quote the password
                raise ValueError("should be like postgresql+psycopg://user:password@host:5432/database") from None
        return value

    @field_validator("secret_key")
    @classmethod
    def _secret(cls, value: str) -> str:
        if value and (len(value) < _MIN_SECRET or len(set(value)) == 1):
            raise ValueError(f"should be at least {_MIN_SECRET} characters, not one of them again and again")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
            raise ValueError("should begin with redis:// or amqp://")
        return value

    @model_validator(mode="after")
    def _no_default_secret_in_public(self) -> Settings:
        for name in _SECRET_NAMES:
            value = getattr(self, name)
            if value and self.public_url and (value.lower() in DEFAULT_SECRETS or len(value) < _MIN_SECRET):
                raise ValueError(f"HUB_{name.upper()} is a default or too short for a hub with a public address")
        return self

    @property
    def database(self) -> str:
        """The database address in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'hub.db').absolute()}"

    @property
    def is_public(self) -> bool:
        """Whether a public address is configured."""
        return bool(self.public_url)


def usable_folder(settings: Settings) -> Path:
    """The data folder, made (for its user alone) when it is not there. Raises SettingsError when it can't be used."""
    folder = settings.data_dir.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError):
        raise SettingsError(f"Setting HUB_DATA_DIR: {folder} is not a folder, or lies in what is none.") from None
    except OSError as error:
        raise SettingsError(f"Setting HUB_DATA_DIR: {folder} can't be made ({error.strerror}).") from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingsError(f"Setting HUB_DATA_DIR: this user may not write into {folder}.")
    return folder


def load_settings(**overrides: Any) -> Settings:
    """The settings in force; `overrides` take precedence over the environment.

    Raises SettingsError with one sentence per wrong or unknown setting.
    """
    path = _env_file()
    in_file = DotEnvSettingsSource(Settings, env_file=path).env_vars
    if unknown := _unknown({name.upper() for name in (*os.environ, *in_file)}):
        raise SettingsError(" ".join(unknown))
    try:
        return Settings(_env_file=path, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(item) for item in error.errors(include_input=False))) from None


def _env_file() -> Path:
    """The file that settings are read from beside the environment. Raises SettingsError when a named one is not there."""
    named = os.environ.get(ENV_FILE)
    path = Path(named or ".env")
    if named and not path.exists():
        raise SettingsError(f"{ENV_FILE} names {named}, which is not there.")
    return path


def _unknown(names: Iterable[str]) -> list[str]:
    """A sentence for each name that begins like a setting and is none, with the nearest that is one."""
    known = [_PREFIX + name.upper() for name in Settings.model_fields]
    sentences = []
    for name in sorted(names):
        if not name.startswith(_PREFIX) or name in known or name.startswith(_BESIDE):
            continue
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/settings.md lists them."
        sentences.append(f"{name} is no setting; {hint}")
    return sentences


def _sentence(item: Any) -> str:
    name = "_".join(str(part) for part in item["loc"]).upper()
    reason = item["msg"].removeprefix("Value error, ")
    return f"Setting HUB_{name}: {reason}." if name else f"{reason}."
