"""What ``tcmgc run`` says while it works: one bar at a terminal, a line an epoch where there is none."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tcmgc.experiments.listener import Listener, RunName, RunProgress
from tcmgc.experiments.run import said

from .console import waiting_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from tcmgc.runs.run_folder import FinishedRun


class RunDisplay(Listener, AbstractContextManager["RunDisplay"]):
    """Progress over all runs, with the time left.

    Parameters
    ----------
    console
        Standard error. Bars are shown where it is a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._runs: TaskID | None = None
        self._data: TaskID | None = None
        self._weights: list[float] = []
        self._at = 0
        self._began = 0.0
        self._epoch_said = 0
        self._run_began = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def preparing(self, what: str, unit: str, done: int, total: int) -> None:
        """Show a bar of its own; a line at its start where there is no terminal."""
        if self._data is None:
            self._data = self._bars.add_task(what, left="")
            if not self._console.is_terminal and done < total:
                self._say(f"{what}: {total} {unit}")
        self._bars.update(
            self._data, completed=done, total=total, description=f"{what} ({done}/{total} {unit})"
        )

    def waits(self, lock: Path) -> None:
        """Say what is waited for."""
        self._say(f"note: {waiting_for(lock)}")

    def prepared(self) -> None:
        """Take that bar away."""
        if self._data is not None:
            self._bars.remove_task(self._data)
            self._data = None

    def planned(self, weights: Sequence[float]) -> None:
        """Start the bar of all runs, in place of an earlier plan's."""
        if self._runs is not None:
            self._bars.remove_task(self._runs)
        self._weights, self._at = list(weights), 0
        self._began = time.monotonic()
        self._runs = self._bars.add_task("", total=sum(weights) or 1.0, left="", visible=bool(weights))

    def reused(self, name: RunName, run: FinishedRun) -> None:
        """Say that a run is there."""
        self._say(f"{_place(name)}: {_numbers(run)}, finished before")

    def started(self, name: RunName, stale: Sequence[str]) -> None:
        """Begin a run."""
        self._epoch_said, self._run_began = 0, time.monotonic()
        if stale:
            self._say(f"{_place(name)}: computed again, as {' and '.join(stale)}")
        self.advanced(name, RunProgress(0.0, "starting"))

    def advanced(self, name: RunName, progress: RunProgress) -> None:
        """Move the bar; say each finished epoch where there is no terminal."""
        if self._runs is None:
            return
        parts = [_place(name), progress.activity]
        if progress.epochs:
            parts.append(f"epoch {progress.epoch}/{progress.epochs}")
        if progress.loss is not None:
            parts.append(f"loss {progress.loss:.3f}")
        done = sum(self._weights[: self._at]) + progress.share * self._weights[self._at]
        left = self._left(done)
        self._bars.update(self._runs, completed=done, description=", ".join(parts), left=left)
        if progress.val is not None and progress.epoch > self._epoch_said:
            self._epoch_said = progress.epoch
            if not self._console.is_terminal:
                self._say(", ".join(filter(None, [*parts, f"validation {progress.val:.1f}", left])))

    def finished(self, name: RunName, run: FinishedRun) -> None:
        """Say a run's headline and how long it took."""
        self._at += 1
        self._say(f"{_place(name)}: {_numbers(run)}, {_duration(time.monotonic() - self._run_began)}")

    def failed(self, name: RunName, error: Exception) -> None:
        """Say why a run failed."""
        self._at += 1
        self._say(f"error: {_place(name)} failed\n{said(error)}")

    def _left(self, done: float) -> str:
        if done <= 0:
            return ""
        seconds = (time.monotonic() - self._began) * (sum(self._weights) - done) / done
        return f"{_duration(seconds)} left"

    def _say(self, line: str) -> None:
        # Above the bars, which rich draws again below it.
        self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _place(name: RunName) -> str:
    return f"run {name.number} of {name.total}, {name.label}, seed {name.seed}"


def _numbers(run: FinishedRun) -> str:
    return ", ".join(
        f"{direction} R@1 {metrics.values['r1']:.1f}"
        for direction, metrics in run.record.metrics.items()
        if "r1" in metrics.values
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
