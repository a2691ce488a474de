"""The classifier: its suggestions, its measure, its training."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from commands.shared import (
    DATA,
    FOLDER,
    NEW_FILE,
    said_plainly,
)
from core.config import load_settings


@click.command()
@click.option("--among", default="", help="Limit the first level to these names, comma separated.")
def classify(among: str) -> None:
    """JSON lines {"id","title","body"} on stdin, a suggestion a line on stdout; needs no database."""
    from classifier.stream import classify_lines

    names = [name for name in among.split(",") if name.strip()] or None
    with said_plainly():
        classify_lines(sys.stdin.buffer, sys.stdout, sys.stderr, among=names, catalogue=_departments())


def _departments() -> dict[tuple[str, str, str], str]:
    """The published catalogue's departments where this hub has a database with one, else the shipped file's."""
    from sqlalchemy.exc import SQLAlchemyError

    from core.database import Database
    from organisations import catalogue
    from organisations.seed import shipped_departments

    settings = load_settings()
    if not settings.database_url and not (settings.data_dir / "hub.db").exists():
        return shipped_departments()
    db = Database(settings.database)
    try:
        with db.read() as session:
            return catalogue.departments(session) or shipped_departments()
    except SQLAlchemyError as error:
        click.echo(f"No catalogue in the database ({type(error).__name__}); using the shipped one.", err=True)
        return shipped_departments()
    finally:
        db.dispose()


@click.command()
@click.option("--data", type=FOLDER, default=DATA, show_default=True, help="Folder with the labelled files.")
def evaluate(data: Path) -> None:
    """Print the classifier's table, by folds that keep near copies together."""
    from classifier.evaluate import evaluate as lines

    with said_plainly():
        for line in lines(data):
            click.echo(line)


@click.command()
@click.option("--data", type=FOLDER, default=DATA, show_default=True, help="Folder with the labelled files.")
@click.option("--out", type=NEW_FILE, default=None, help="Model file to write; default: the one that ships.")
def train(data: Path, out: Path | None) -> None:
    """Train the classifier and write its model file."""
    from classifier.model import SHIPPED
    from classifier.train import train as run

    with said_plainly():
        click.echo(run(data, out or SHIPPED, say=lambda step: click.echo(step, err=True)))
