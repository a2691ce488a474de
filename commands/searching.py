"""Search over a file, and the indexes anew."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from commands.shared import (
    FILE,
    hub_parts,
    progress,
)


@click.command("search-corpus")
@click.option("--corpus", type=FILE, required=True, help="JSON lines to index.")
@click.option("--engine", default="embedded", show_default=True)
def search_corpus(corpus: Path, engine: str) -> None:
    """JSON lines {"qid","query"} on stdin, the best 20 ids a line on stdout, through the portal's own query path."""
    from search.corpus import search_corpus as run

    try:
        bad = run(corpus, sys.stdin, sys.stdout, sys.stderr, engine)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if bad:
        click.echo(f"{bad} bad lines passed over", err=True)


@click.command()
def reindex() -> None:
    """Build both search indexes anew from the database; searching goes on meanwhile."""
    from search.service import KINDS, SearchService

    with hub_parts() as parts:
        service = parts.get(SearchService)
        for kind in KINDS:
            with progress(f"{kind}") as advance:
                count = service.rebuild(kind, advance)
            click.echo(f"{kind}: {count}")
