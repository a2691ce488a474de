"""What is taken in, taken in again or looked through; the first account."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from commands.shared import (
    FILE,
    english,
    history_faults,
    hub_parts,
    progress,
)


@click.command("import")
@click.argument("path", type=FILE)
@click.option("--map", "mapping", default="", help="Columns by name: title=标题,body=内容,…")
@click.option("--source", default="", help="What the rows' keys belong to; default: the file's name.")
@click.option("--track", type=click.Choice(["hotline", "petition"]), default="hotline", show_default=True)
@click.option("--consent/--no-consent", default=None, help="State that the answers were public already, so that they "
              "may be published; or that they were not: none is proposed. Default: nothing is known of it, and what is "
              "proposed can't be released.")  # fmt: skip
@click.option("--release-as", default="", help="Release what needed no masking as this user…")
@click.option("--confirmed-by", default="", help="…confirmed by this other user.")
def import_file(
    path: Path, mapping: str, source: str, track: str, consent: bool | None, release_as: str, confirmed_by: str
) -> None:
    """Take in a file of past petitions (.csv, .xlsx); after a break run it again, nothing is doubled."""
    from core.clock import Clock
    from core.database import Database
    from intake.brain import Brain
    from intake.importing import releasing, run, tables

    if bool(release_as) != bool(confirmed_by):
        raise click.UsageError("--release-as and --confirmed-by go together.")
    if release_as and consent is False:
        raise click.UsageError("--no-consent says that nothing may be published: it does not go with --release-as.")
    if release_as and consent is None:
        consent = True
        click.echo(
            f"Releasing states that the answers were public already, as with --consent; {confirmed_by} confirms it."
        )
    plan = run.Plan(path, source or path.name, _mapping(mapping), track=track, consent=consent)
    with hub_parts(quiet=True) as parts, english():
        db, clock = parts.get(Database), parts.get(Clock)
        people = [_person(parts, name) for name in (release_as, confirmed_by) if name]
        if people:
            releasing.check(*people)
        with progress(path.name, tables.count(path)) as advance:
            report = run.run(db, clock, parts.get(Brain), plan, advance)
        if consent:
            releasing.state_consent(db, clock, plan)
        if people:
            with progress("release", releasing.count(db, plan)) as advance:
                releasing.release(db, clock, plan, people[0], people[1], report, advance)
    for line in report.lines():
        click.echo(line)
    if report.proposed and consent is None:
        click.echo(
            "Nobody has said that the answers may be published: run it again with --consent if they were public."
        )
    if report.taken:
        click.echo("Search follows while the hub runs; `hub reindex` does it at once.")


def _mapping(text: str) -> dict[str, str]:
    """Field -> column from --map."""
    pairs = [pair.split("=", 1) for pair in text.split(",") if pair.strip()]
    if any(len(pair) != 2 or not all(part.strip() for part in pair) for pair in pairs):
        raise click.UsageError("--map is written title=标题,body=内容: a field of ours, =, a column of the file.")
    return {field.strip(): column.strip() for field, column in pairs}


def _person(parts: Any, username: str) -> Any:
    """The acting person of a user name."""
    from sqlalchemy import select

    from core.clock import Clock
    from core.database import Database
    from organisations.models import Account
    from organisations.people import actor_for

    with parts.get(Database).read() as session:
        account_id = session.scalar(select(Account.id).where(Account.username == username))
        if account_id is None:
            raise click.ClickException(f"No account is called {username}.")
        return actor_for(session, account_id, parts.get(Clock).now())


@click.command()
@click.argument("delivery", type=int)
def replay(delivery: int) -> None:
    """Process a stored delivery again."""
    import wiring
    from channels import inbox
    from channels.registry import Channels
    from core.database import Database

    with hub_parts() as parts, parts.get(Database).write() as session:
        if session.get(inbox.Delivery, delivery) is None:
            raise click.ClickException(f"No delivery is stored under {delivery}.")
        outcome = inbox.replay(session, delivery, parts.get(Channels), wiring.BINDINGS, again=True)
    click.echo(f"number: {outcome.number or '-'}  code: {outcome.code or '-'}")


@click.command("verify-history")
def verify_history() -> None:
    """Check every case's chain of events and the audit chain; names what was changed, lost or put out of order."""
    with hub_parts() as parts:
        faults = history_faults(parts)
    for fault in faults:
        click.echo(fault)
    click.echo(f"{len(faults)} faults" if faults else "The history is whole.")
    sys.exit(bool(faults))


@click.command("create-admin")
@click.argument("username")
@click.option("--name", default="", help="The person's name; default: the user name.")
@click.option("--role", type=click.Choice(["system_admin", "security_admin", "auditor"]), default="security_admin",
              show_default=True)  # fmt: skip
@click.password_option(help="Asked for when it is not given.")
def create_admin(username: str, name: str, role: str, password: str) -> None:
    """Make an account that can make the others; its password must be changed at first sign-in."""
    from core.clock import Clock
    from core.database import Database
    from organisations import accounts, passwords
    from organisations.people import SYSTEM

    with hub_parts() as parts:
        passwords.check_new(password, username)
        hashed, at = passwords.hash_password(password), parts.get(Clock).now()
        with parts.get(Database).write() as session:
            made = accounts.create_account(session, SYSTEM, at, username, name or username, password_hash=hashed)
            accounts.grant_role(session, SYSTEM, at, made.id, role)
    click.echo(f"{username}: {role}")
