"""Measurements of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from commands.shared import DATA


@click.group()
def bench() -> None:
    """Measure this machine; each figure stands beside a floor measured in the same run."""


@bench.command("search")
@click.option("--documents", default=100_000, show_default=True)
def bench_search(documents: int) -> None:
    """The query path of published replies."""
    from benchmarks.search import run

    run(sys.stdout, documents)


@bench.command("fuzz")
def bench_fuzz() -> None:
    """10,000 signed but damaged webhook bodies: no 5xx."""
    from benchmarks.fuzz_webhooks import main as run

    sys.exit(run())


@bench.command("storm")
@click.option("--kills", default=200, show_default=True, help="How many processes are killed.")
@click.option("--seed", default=1, show_default=True, help="What the order of the kills is drawn by.")
@click.option("--minutes", default=10.0, show_default=True, help="The killing ends then at the latest.")
def bench_storm(kills: int, seed: int, minutes: float) -> None:
    """Kill a hub's processes while eight senders go on; exit code 1 when anything was lost or doubled."""
    from benchmarks.storm import run

    sys.exit(bool(run(sys.stdout, kills=kills, seed=seed, minutes=minutes).faults))


@bench.command("webhook")
def bench_webhook() -> None:
    """A signed text message until its durable answer, beside a bare view with one insert."""
    from benchmarks.webhook import run

    run(sys.stdout)


@bench.command("classify")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A CSV file with title and body; default: messages.csv of ../shared/data, else made-up texts.",
)
def bench_classify(path: Path | None) -> None:
    """Whole suggestions beside cutting the same texts and nothing else."""
    from benchmarks.classify import rows_of, run

    real = path or DATA / "messages.csv"
    run(sys.stdout, rows_of(real) if real.exists() else None)


@bench.command("import")
@click.option("--rows", default=2816, show_default=True)
def bench_import(rows: int) -> None:
    """Rows a second of an import, and its memory."""
    from benchmarks.importing import run

    run(sys.stdout, rows=rows)


@bench.command("pages")
@click.option("--cases", default=100_000, show_default=True)
@click.option("--replies", default=100_000, show_default=True)
def bench_pages(cases: int, replies: int) -> None:
    """The pages opened most, over many cases."""
    from benchmarks.pages import run

    run(sys.stdout, cases=cases, replies=replies)


@bench.command("startup")
def bench_startup() -> None:
    """`hub up` until it is ready, and its memory."""
    from benchmarks.startup import run

    run(sys.stdout)
