"""Backups and keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click

from commands.shared import (
    FILE,
    FOLDER,
    NEW_FILE,
    history_faults,
    hub_parts,
    migrate_database,
    open_parts,
    progress,
    require_database,
)
from core.config import Settings, load_settings


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--keys", type=NEW_FILE, default=None, help="Also write the keys, to this file outside the folder.")
def backup(folder: Path, keys: Path | None) -> None:
    """Copy the database and the attachments; without the keys nobody can read what is sealed in them."""
    from core import backup as copying
    from core.clock import Clock
    from core.crypto import KeyRing, keys_path
    from core.database import Database

    with hub_parts() as parts:
        settings, ring = parts.get(Settings), parts.get(KeyRing)
        try:
            copying.back_up(settings, parts.get(Database), ring, folder, parts.get(Clock).now(), keys)
        except (copying.BackupError, OSError) as error:
            raise click.ClickException(str(error)) from error
    hint = f"Keys: {keys}." if keys else f"Keep {keys_path(settings.data_dir)} safe elsewhere."
    click.echo(f"Backup written to {folder}. {hint}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--keys", type=FILE, default=None, help="The file that the keys were written to.")
@click.option("--without-keys", is_flag=True, help="Go on although keys are missing; what they sealed can't be read.")
@click.option("--without-files", is_flag=True, help="Go on although attachments are missing or changed.")
def restore(folder: Path, keys: Path | None, without_keys: bool, without_files: bool) -> None:
    """Put a backup into an empty data folder, then check its history, its keys and its attachments."""
    from cases import upkeep
    from core import backup as copying
    from core.crypto import KeyRing
    from core.database import Database
    from core.files import FileStore

    settings = load_settings()
    if settings.database_url:
        Database(settings.database).require()
    try:
        with _stopped(settings) if copying.holds_database_alone(folder) else nullcontext():
            kept = copying.restore(settings, folder, keys, without_keys=without_keys, without_files=without_files)
    except (copying.BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    migrate_database(settings, open_parts(settings).get(Database))
    with hub_parts(settings) as parts:
        missing = copying.missing_keys(folder, parts.get(KeyRing))
        faults = [*history_faults(parts), *(f"key {key_id} is missing: what it sealed is lost" for key_id in missing)]
        faults += upkeep.lost_files(parts.get(Database), parts.get(FileStore))
    for fault in faults:
        click.echo(fault)
    if kept:
        click.echo(f"The database that was here is kept in {kept}.")
    click.echo("Restored, with faults." if faults else "Restored; the history is whole. Run `hub reindex` next.")
    sys.exit(bool(faults))


@click.command("rotate-keys")
@click.option("--drop", metavar="KEY_ID", help="take an earlier key away instead, when nothing is sealed under it")
@click.option("--again", is_flag=True, help="make no new key: seal again what stands under an earlier one")
def rotate_keys(drop: str | None, again: bool) -> None:
    """Make a new encryption key and seal every field and attachment under it; earlier keys stay for backups.

    The hub is stopped for it; the attachments and rows of a break are taken up with --again, and an earlier key may
    then be dropped with --drop.
    """
    from core import rotation
    from core.crypto import KeyRing
    from core.database import Database
    from core.files import FileStore

    settings = load_settings()
    require_database(settings)
    with _stopped(settings):
        if drop is not None:
            with hub_parts(settings) as parts:
                rotation.drop_key(settings, parts.get(Database), parts.get(FileStore), drop)
            click.echo(f"Key {drop} is gone. Backups made while it was in force need the keys saved with them.")
            return
        if not settings.field_keys and not again:
            rotation.add_key(settings)
        with hub_parts(settings) as parts:
            with progress("rows") as advance:
                fields = rotation.reseal(parts.get(Database), parts.get(KeyRing), advance)
            with progress("files") as advance:
                files = parts.get(FileStore).reseal(advance)
    click.echo(f"{fields} fields and {files} files sealed again. Save the keys file, then start the hub.")


@contextmanager
def _stopped(settings: Settings) -> Iterator[None]:
    """Hold the lock that a running hub holds. Raises ClickException when one runs on this data."""
    from core.processes import AlreadyRunning, Lock

    try:
        lock = Lock(settings.data_dir / "run" / "hub.lock")
    except AlreadyRunning as error:
        raise click.ClickException(
            "Stop the hub first: one that runs on this data folder knows only the earlier keys and database."
        ) from error
    try:
        yield
    finally:
        lock.release()
