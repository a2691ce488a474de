"""Finds the adapters: every file in channels/adapters/. Settings switch them on by name.

The one place in the hub that imports by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from channels import adapters as folder
from channels.contract import Adapter, Channel, Sends
from core.config import Settings, SettingsError

FALLBACK = "console"
_RESERVED = {"status"}  # /hooks/status/<channel> is the address of receipts

AdapterClass = Callable[[Settings], Channel]


@dataclass(frozen=True)
class Channels:
    """The channels that are switched on."""

    enabled: Mapping[str, Channel]
    fallback: Sends

    def receiver(self, name: str) -> Adapter | None:
        """The adapter that takes in what a provider sends for a channel; None when it is off or only sends."""
        channel = self.enabled.get(name)
        return channel if isinstance(channel, Adapter) else None

    def sender(self, name: str) -> Sends | None:
        """What sends on a channel: its adapter; the console when it is off; None when it is on but can't speak."""
        channel = self.enabled.get(name)
        if channel is None:
            return self.fallback
        return channel if isinstance(channel, Sends) else None


def discover() -> dict[str, AdapterClass]:
    """Every adapter class by its channel's name."""
    found: dict[str, AdapterClass] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        adapter = importlib.import_module(f"{folder.__name__}.{module.name}").ADAPTER
        if adapter.name in found or adapter.name in _RESERVED:
            raise RuntimeError(f"two adapters, or a reserved name: {adapter.name}")
        found[adapter.name] = adapter
    return found


def load(settings: Settings) -> Channels:
    """The channels that the settings switch on.

    Raises SettingsError, with a sentence, for an unknown name or a missing secret.
    """
    known = discover()
    fallback = known[FALLBACK](settings)
    if not isinstance(fallback, Sends):
        raise RuntimeError("the fallback channel can't send")
    return Channels({name: _make(name, known, settings) for name in dict.fromkeys(settings.channels)}, fallback)


def _make(name: str, known: Mapping[str, AdapterClass], settings: Settings) -> Channel:
    if name not in known:
        raise SettingsError(
            f"Setting HUB_CHANNELS: no channel is called {name!r}; there are {', '.join(sorted(known))}."
        )
    required: tuple[str, ...] = getattr(known[name], "required_settings", ())
    missing = [f"HUB_{setting.upper()}" for setting in required if not getattr(settings, setting)]
    if missing:
        raise SettingsError(f"Channel {name} is switched on in HUB_CHANNELS and needs {', '.join(missing)}.")
    return known[name](settings)
