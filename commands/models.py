"""Which trained model classifies."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import FILE, english, hub_parts
from core.config import Settings
from core.errors import HubError


@click.group()
def model() -> None:
    """Which model classifies: the shipped one, or one that `hub train` wrote."""


@model.command()
@click.argument("file", type=FILE)
@click.option("--threshold", type=float, default=None, help="Confidence (0 to 1) from which cases are dispatched "
              "automatically, in place of the model's own.")  # fmt: skip
def use(file: Path, threshold: float | None) -> None:
    """Put a model file of `hub train --out` in use, after checking it; a running hub follows within seconds.

    Checked are its checksum, that it loads, and that the hub knows its categories.
    """
    from core.clock import Clock
    from core.database import Database
    from intake import trained
    from organisations.people import SYSTEM

    with hub_parts() as parts, english():
        settings, db, at = parts.get(Settings), parts.get(Database), parts.get(Clock).now()
        row = trained.use(db, settings.data_dir, SYSTEM, at, file, threshold=threshold)
    click.echo(f"In use: {row.version}.")


@model.command("list")
def list_models() -> None:
    """The model in use first, then the earlier ones, with the files that lead back to them."""
    from core.clock import to_local
    from core.database import Database
    from intake import trained

    with hub_parts() as parts:
        rows = trained.past(parts.get(Database))
    for number, row in enumerate(rows):
        state = "earlier" if number else "in use"
        gone = "" if Path(row.file).is_file() else "  (the file is gone)"
        click.echo(f"{state:8}{row.version}  since {to_local(row.since):%Y-%m-%d %H:%M}  {row.file}{gone}")
    click.echo(f"{'earlier' if rows else 'in use':8}{_shipped()}")


def _shipped() -> str:
    from classifier.model import SHIPPED
    from classifier.store import load

    try:
        return f"{load(SHIPPED)[2]}  shipped  {SHIPPED}"
    except HubError as error:
        return f"shipped: {error.message}"
