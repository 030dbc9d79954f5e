"""``suite.json``: what was asked for last, and what became of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .record import CONTENT, Sha256


class SuiteComparison(BaseModel):
    """A question about two rows, by label."""

    model_config = CONTENT
    title: str
    question: str
    row: str
    against: str


class SuiteRun(BaseModel):
    """One run that was asked for; ``folder`` is its name in ``runs/`` once it is finished."""

    model_config = CONTENT
    label: str
    seed: int
    identity: Sha256
    state: Literal["waiting", "finished", "failed"]
    folder: str | None = None
    error: str | None = None


class SuiteRecord(BaseModel):
    """An experiment.

    ``name`` is the suite's, or null where one recipe was run; ``rows`` are labels in order; ``stale`` says
    by folder why a finished run would come out differently today.
    """

    model_config = CONTENT
    schema_version: Literal[1] = 1
    name: str | None
    title: str
    seeds: tuple[int, ...]
    rows: tuple[str, ...]
    comparisons: tuple[SuiteComparison, ...]
    runs: tuple[SuiteRun, ...]
    stale: dict[str, list[str]]
