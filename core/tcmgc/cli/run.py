"""``tcmgc run``: from a recipe or a suite to finished runs and their report."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError

from .console import say_error, say_note, warnings_said
from .options import experiment_options

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@click.argument("target", metavar="RECIPE|SUITE", required=False)
@click.option("--out", metavar="DIR", help="Folder of the runs and of their report.")
@click.option("--seeds", metavar="N,N,...", help="In place of the suite's; a recipe's is 0.")
@experiment_options
@click.option("--list", "listing", is_flag=True, help="List recipes, suites and protocols, and run nothing.")
def run(
    target: str | None,
    more: tuple[str, ...],
    out: str | None,
    protocol: str | None,
    seeds: str | None,
    variant: str | None,
    overrides: tuple[str, ...],
    device: str,
    listing: bool,
) -> None:
    """Train, evaluate and report a RECIPE, or every row of a SUITE, by name or file.

    Runs that are finished in DIR are not repeated, and an interrupted one goes on: give the same command
    again. In a suite, KEY=VALUE reaches the rows in which it changes something.
    """
    if listing:
        _list()
        return
    if target is None:
        raise ConfigError(
            "tcmgc run", found="no recipe and no suite", expected="the name of one", hint="tcmgc run --list"
        )
    if out is None:
        raise ConfigError("tcmgc run", found="no --out", expected="--out DIR, a folder for the runs")
    from tcmgc.api import plan
    from tcmgc.files.output import refuse_unwritable_folder

    refuse_unwritable_folder(Path(out), "output")
    with warnings_said(), _interrupted_by_terminate():
        planned = plan(
            target,
            variant=variant,
            protocol=protocol,
            overrides=(*overrides, *more),
            seeds=None if seeds is None else parse_seeds(seeds),
        )
        from rich.console import Console

        from tcmgc.app import current_plugins
        from tcmgc.experiments.run import run_plan, said

        from .run_display import RunDisplay

        with RunDisplay(Console(stderr=True)) as display:
            outcome = run_plan(current_plugins(), planned, Path(out), device=device, listener=display)
    say_note(f"{out}: {len(outcome.finished)} runs finished, {len(outcome.failures)} failed")
    for failure in outcome.failures:
        say_error(f"{failure.label}, seed {failure.seed}, failed: {said(failure.error).splitlines()[0]}")
    if outcome.failures:
        sys.exit(1)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse ``0,1,2``."""
    from tcmgc.experiments.plan import LARGEST_SEED

    words = [word.strip() for word in text.split(",")]
    seeds = tuple(int(word) for word in words if word.isdecimal())
    if len(set(seeds)) != len(words) or max(seeds) > LARGEST_SEED:
        raise ConfigError(
            "--seeds",
            found=repr(text),
            expected=f"distinct whole numbers from 0 to {LARGEST_SEED}, as 0,1,2",
        )
    return seeds


@contextmanager
def _interrupted_by_terminate() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C: what is in work stays where the next start finds it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _list() -> None:
    from tabulate import tabulate

    from tcmgc.recipes.tree import read_yaml

    registry = current_registry()
    kinds = {
        "suite": registry.suite_files,
        "recipe": registry.recipe_files,
        "protocol": registry.protocol_files,
    }
    rows = [
        {
            "kind": kind,
            "name": name,
            "summary": read_yaml(path).plain().get("summary", ""),
            "plugin": origin.plugin,
        }
        for kind, files in kinds.items()
        for name, (path, origin) in sorted(files.items())
    ]
    click.echo(tabulate(rows, headers="keys", tablefmt="simple"))
