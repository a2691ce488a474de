"""The hub's commands. Each imports its room when it runs: `hub classify` needs no database and starts quickly."""

from __future__ import annotations

import os
from typing import Any

import click

from commands import classifying, data, keeping, measuring, models, running, searching
from core.config import SettingsError

SHARED = {"train", "settings-doc"}  # they write what ships with the hub and every user of it reads


class Hub(click.Group):
    """Tells what a person can mend as a sentence, without a trace; what commands write is for their own user."""

    def invoke(self, ctx: click.Context) -> Any:
        before = ctx.meta["umask"] = os.umask(0o077)
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        finally:
            os.umask(before)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in SHARED:
            os.umask(ctx.meta["umask"])
        return name, command, rest


@click.group(cls=Hub, context_settings={"help_option_names": ["-h", "--help"]})
def hub() -> None:
    """连心: what citizens bring, taken in and seen through. `hub up` starts it; `hub test` runs the suite."""


COMMANDS: tuple[click.Command, ...] = (
    running.up, running.prepare, running.migrate, running.lock_demonstration,
    running.settings_doc,
    classifying.classify, classifying.evaluate, classifying.train, models.model,
    searching.search_corpus, searching.reindex,
    data.import_file, data.replay, data.verify_history, data.create_admin,
    keeping.backup, keeping.restore, keeping.rotate_keys,
    measuring.bench,
)  # fmt: skip
for command in COMMANDS:
    hub.add_command(command)


if __name__ == "__main__":
    hub(prog_name="hub")
