"""All runs of a plan, one after another: what is finished is not repeated, what fails stops nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.errors import TcmgcError
from tcmgc.files.disk import writing
from tcmgc.runs.json_file import write_json
from tcmgc.runs.run_folder import FinishedRun, RunsFolder
from tcmgc.runs.stale import stale_reasons, stale_runs
from tcmgc.runs.suite_record import SuiteComparison, SuiteRecord, SuiteRun

from .experiment import run_job
from .job import Job, check_row, check_selection, make_job, refuse_incomplete
from .listener import Listener, RunName
from .session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.plugins import Plugins

    from .plan import Plan

SUITE = "suite.json"


@dataclass(frozen=True)
class Failure:
    """A run that failed, and why."""

    label: str
    seed: int
    error: Exception


@dataclass(frozen=True)
class Outcome:
    """What running a plan came to.

    Parameters
    ----------
    directory
        Where the runs lie.
    finished
        In the order of the plan, those included that were finished before.
    failures
        The others.
    """

    directory: Path
    finished: tuple[FinishedRun, ...]
    failures: tuple[Failure, ...]


def run_plan(
    plugins: Plugins, plan: Plan, out: Path, *, device: str = "auto", listener: Listener | None = None
) -> Outcome:
    """Run what is not finished, and tell the plugins.

    Parameters
    ----------
    plugins
        Whose components are used and whose `tcmgc_runs_finished` is called.
    plan
        What to run.
    out
        Where runs lie and go.
    device
        As `tcmgc.engine.fabric.make_fabric` takes it.
    listener
        Is told what goes on.

    Raises
    ------
    ConfigError, DataError, PluginError
        For a mistake in any row, before anything is trained; when another process is at work in ``out``.
    """
    runs = RunsFolder(out)
    with runs.locked():
        session = Session(plugins.registry, device, listener)
        for row in plan.rows:
            refuse_incomplete(session, row.recipe, to_train=row.recipe.config["trained"])
            session.find_files(row.recipe)
        for row in plan.rows:
            check_row(session, row.recipe)
        for row in plan.rows:
            check_selection(session, row.recipe)
        # Seed by seed, so that a board of all rows is there early.
        jobs = [make_job(session, row, seed) for seed in plan.seeds for row in plan.rows]
        outcome = _Runner(session, plan, jobs, runs).run()
        plugins.runs_finished(out)
    return outcome


class _Runner:
    def __init__(self, session: Session, plan: Plan, jobs: list[Job], runs: RunsFolder) -> None:
        self._session, self._plan, self._jobs, self._runs = session, plan, jobs, runs
        self._there = {run.record.identity: run for run in runs.finished()}
        runs.sweep({job.identity: (job.row.label, job.seed) for job in jobs})
        self._done: dict[str, FinishedRun] = {}
        self._failures: dict[str, Failure] = {}

    def run(self) -> Outcome:
        listener, total = self._session.listener, len(self._jobs)
        listener.planned([job.weight for job in self._jobs if job.identity not in self._there])
        self._write_suite()
        for number, job in enumerate(self._jobs, start=1):
            name = RunName(number, total, job.row.label, job.seed)
            if (found := self._there.get(job.identity)) is not None:
                self._keep(self._relabelled(job, found))
                listener.reused(name, self._done[job.identity])
                continue
            listener.started(name, self._stale(job))
            try:
                self._keep(self._relabelled(job, self._compute(job, name)))
            except Exception as error:
                if os.environ.get("TCMGC_TRACEBACK"):
                    raise
                self._failures[job.identity] = Failure(job.row.label, job.seed, error)
                listener.failed(name, error)
            else:
                listener.finished(name, self._done[job.identity])
            self._write_suite()
        self._write_suite()
        done = tuple(self._done[job.identity] for job in self._jobs if job.identity in self._done)
        return Outcome(self._runs.out, done, tuple(self._failures.values()))

    def _compute(self, job: Job, name: RunName) -> FinishedRun:
        listener = self._session.listener
        return run_job(self._session, job, self._runs, lambda progress: listener.advanced(name, progress))

    def _relabelled(self, job: Job, run: FinishedRun) -> FinishedRun:
        """Give a finished run the names under which it is asked for now; its numbers are the same."""
        recipe = job.row.recipe
        names = {
            "label": job.row.label,
            "recipe": recipe.name,
            "variant": recipe.variant,
            "overrides": job.row.overrides,
            "protocol": recipe.protocol,
        }
        if run.record.model_copy(update=names) == run.record:
            return run
        return self._runs.relabel(run, names)

    def _keep(self, run: FinishedRun) -> None:
        """Take a run into the board, and put those aside that it replaces.

        A run of the same label and seed whose fingerprint is the same would be a second number in the same
        place of a table; one of the same label and seed that is stale is what this one is instead of. One
        that the plan asks for itself stays: its own turn gives it the label that it has now.
        """
        self._done[run.record.identity] = self._there[run.record.identity] = run
        asked_for = {job.identity for job in self._jobs}
        for other in [other for identity, other in self._there.items() if identity not in asked_for]:
            mine, theirs = run.record, other.record
            same_place = (mine.label, mine.seed) == (theirs.label, theirs.seed)
            if same_place and (mine.fingerprint == theirs.fingerprint or self._is_stale(other)):
                self._runs.supersede(other)
                del self._there[theirs.identity]

    def _stale(self, job: Job) -> list[str]:
        """Say why an earlier run of a row and seed does not count any more."""
        for run in self._there.values():
            same_place = (run.record.label, run.record.seed) == (job.row.label, job.seed)
            if same_place and (reasons := stale_reasons(run.record, self._session.registry)):
                return reasons
        return []

    def _is_stale(self, run: FinishedRun) -> bool:
        return bool(stale_reasons(run.record, self._session.registry))

    def _write_suite(self) -> None:
        plan = self._plan
        record = SuiteRecord(
            name=plan.name,
            title=plan.title,
            seeds=plan.seeds,
            rows=tuple(row.label for row in plan.rows),
            comparisons=tuple(
                SuiteComparison(title=c.title, question=c.question, row=c.row, against=c.against)
                for c in plan.comparisons
            ),
            runs=tuple(self._state(job) for job in self._jobs),
            stale=stale_runs(self._there.values(), self._session.registry),
        )
        with writing("output", self._runs.out / SUITE):
            write_json(self._runs.out / SUITE, record.model_dump(mode="json"))

    def _state(self, job: Job) -> SuiteRun:
        done, failure = self._done.get(job.identity), self._failures.get(job.identity)
        return SuiteRun(
            label=job.row.label,
            seed=job.seed,
            identity=job.identity,
            state="finished" if done else "failed" if failure else "waiting",
            folder=done.folder.name if done else None,
            error=said(failure.error) if failure else None,
        )


def said(error: Exception) -> str:
    """Say an error to a person; one that is not tcmgc's own with its kind."""
    return str(error) if isinstance(error, TcmgcError) else f"{type(error).__name__}: {error}"
