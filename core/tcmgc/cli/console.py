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


def say_error(message: str) -> None:
    """Say what went wrong."""
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)


def say_warning(message: str) -> None:
    """Say what may be wrong."""
    click.echo(click.style("warning: ", fg="yellow", bold=True) + message, err=True)


def say_note(message: str) -> None:
    """Say what a user may want to know."""
    click.echo(click.style("note: ", fg="cyan") + message, err=True)


@contextmanager
def warnings_said() -> Iterator[None]:
    """Say each distinct warning once, as a sentence without file and line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        say_warning(message)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress with rate and time left; yields a function of (done, in all).

    Nothing is shown where standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} pairs"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
