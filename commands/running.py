"""Starting the hub, and what has to be there before."""

from __future__ import annotations

import sys

import click

from commands.shared import (
    ROOT,
    migrate_database,
)
from core.config import load_settings


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
    import wiring
    from core import heartbeats
    from core.database import Database
    from core.launch import keep_accounts
    from search.service import SearchService

    settings = load_settings()
    parts = wiring.build(settings)
    db = parts.get(Database)
    migrate_database(settings, db)
    if wiring.is_new(db):
        if demo or not settings.is_public:
            click.echo("An empty database: filling it with the demonstration city …")
            keep_accounts(settings, wiring.seed_demonstration(parts))
        else:
            wiring.seed_rules(parts)
            click.echo("An empty database. Make the first account with `hub create-admin NAME`.")
    heartbeats.forget(db)
    parts.get(SearchService).ensure()
    db.dispose()


@click.command()
def migrate() -> None:
    """Bring the database's schema forward, after a backup."""
    import wiring
    from core.database import Database

    settings = load_settings()
    migrate_database(settings, wiring.build(settings).get(Database))


@click.command("settings-doc")
def settings_doc() -> None:
    """Write docs/settings.md again from the typed settings."""
    from core import settings_doc

    settings_doc.write()
