"""What is said at a terminal: colours where there is one, plain text where there is none.

Results go to standard output; notes, warnings, errors and progress go to standard error.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console


def say_error(message: str) -> None:
    """Say what went wrong."""
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)


def say_warning(message: str) -> None:
    """Say what may be wrong."""
    click.echo(click.style("warning: ", fg="yellow", bold=True) + message, err=True)


def say_note(message: str) -> None:
    """Say what a user may want to know."""
    click.echo(click.style("note: ", fg="cyan") + message, err=True)


def waiting_for(lock: Path) -> str:
    """Say that another process is waited for, by the file of the lock that it holds."""
    return f"another process decodes the same clips, and is waited for; it holds {lock}"


@contextmanager
def warnings_said() -> Iterator[None]:
    """Say each distinct warning once, as a sentence without file and line."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:  # what fails is what a warning may explain
        for message in dict.fromkeys(str(warning.message) for warning in caught):
            say_warning(message)


@contextmanager
def progress_bar(
    what: str, unit: str, console: Console | None = None
) -> Iterator[Callable[[int, int], None]]:
    """Show progress with rate and time left; yields a function of (done, in all).

    Parameters
    ----------
    what, unit
        As ``scoring`` and ``pairs``.
    console
        Where to show it; standard error when left out. Nothing is shown where that is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = console or Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + "{task.fields[rate]}"),
        TextColumn("time left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = progress.tasks[0].speed
            rate = "" if speed is None else f", {speed:,.0f} a second"
            progress.update(task, completed=done, total=total, rate=rate)

        yield advance
