"""Starting the hub, and what has to be there before."""

from __future__ import annotations

import sys
from typing import Any

import click

from commands.shared import (
    ROOT,
    hub_parts,
    migrate_database,
    open_parts,
)
from core.config import SettingsError, load_settings


@click.command()
@click.option("--demo", is_flag=True, help="Fill an empty database with the demonstration city.")
def up(demo: bool) -> None:
    """Prepare the database, then run web, worker, search worker and beat until Ctrl+C."""
    from core import logging
    from core.launch import launch

    settings = load_settings()
    logging.configure(settings.log_level)
    # In a process of its own: the one that stays to keep the others alive then needs no room in its memory.
    command = [sys.executable, str(ROOT / "cli.py"), "prepare", *(["--demo"] if demo else [])]
    sys.exit(launch(settings, command, click.echo))


@click.command(hidden=True)
@click.option("--demo", is_flag=True)
def prepare(demo: bool) -> None:
    """What has to be there before the processes start: schema, rows of a new hub, search indexes."""
    from core import heartbeats
    from core.database import Database
    from search.service import SearchService

    settings = load_settings()
    parts = open_parts(settings)
    db = parts.get(Database)
    migrate_database(settings, db)
    _fill(parts, demo)
    heartbeats.forget(db)
    parts.get(SearchService).ensure()
    db.dispose()


def _fill(parts: Any, demo: bool) -> None:
    """The rows of a new hub, or those that are missing."""
    import wiring
    from core.config import Settings
    from core.database import Database

    db, public = parts.get(Database), parts.get(Settings).is_public
    state = wiring.demonstration_state(db)
    if public and wiring.open_demonstration(db):
        raise SettingsError(
            "Setting HUB_PUBLIC_URL: the demonstration's accounts can sign in here. Start a public hub on an empty "
            "data folder and database, or lock them with `hub lock-demonstration`."
        )
    if state == wiring.UNDER_WAY:
        click.echo("Filling with the demonstration city broke off last time: finishing it …")
        wiring.seed_demonstration(parts)
    elif wiring.is_new(db) and (demo or not public):
        click.echo("An empty database: filling it with the demonstration city …")
        wiring.seed_demonstration(parts)
    else:
        wiring.seed_rules(parts)
        if demo and not state:
            click.echo("This database is in use: nothing of the demonstration was put into it.")
        if not wiring.has_accounts(db):
            click.echo("Nobody has an account yet. Make the first one with `hub create-admin NAME`.")


@click.command()
def migrate() -> None:
    """Bring the database's schema forward, after a backup, and write the rules that every hub needs."""
    import wiring
    from core.database import Database

    settings = load_settings()
    parts = open_parts(settings)
    migrate_database(settings, parts.get(Database))
    wiring.seed_rules(parts)
    parts.get(Database).dispose()


@click.command("lock-demonstration")
def lock_demonstration() -> None:
    """Lock the demonstration's accounts, before a hub that was one gets a public address."""
    import wiring

    with hub_parts() as parts:
        click.echo(f"{wiring.lock_demonstration(parts)} accounts locked. Make one with `hub create-admin NAME`.")


@click.command("settings-doc")
def settings_doc() -> None:
    """Write docs/settings.md again from the typed settings."""
    from core import settings_doc

    settings_doc.write()
