"""The leaderboard as data: what every renderer shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tcmgc.runs.availability import clips_counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.ranking import Direction
    from tcmgc.runs.record import RunRecord
    from tcmgc.statistics.missing import Bounds
    from tcmgc_reports.board.comparison import Comparison
    from tcmgc_reports.runs.history_file import History

DIRECTIONS: Mapping[Direction, str] = {"t2v": "text to video", "v2t": "video to text"}

MIXED = "mixed"


@dataclass(frozen=True)
class Estimate:
    """A number and how sure it is.

    Parameters
    ----------
    mean
        Over the seeds.
    sd
        Standard deviation over the seeds; None with a single one, and where nothing that was trained differs.
    low, high
        Ends of the 95 % bootstrap interval of the mean, over videos.
    """

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """A row in one direction.

    Parameters
    ----------
    metrics
        By name, in the order of the columns.
    best
        The metrics in which no other row is surely better: the best row, and all rows that a paired
        bootstrap does not tell from it. Empty where a row is alone.
    tags
        R@1 of the queries with a tag, by tag.
    """

    metrics: Mapping[str, Estimate]
    best: frozenset[str]
    tags: Mapping[str, Estimate]


@dataclass(frozen=True)
class RowRun:
    """A run that counts in a row."""

    folder: str
    record: RunRecord
    history: History


@dataclass(frozen=True)
class Row:
    """The runs of one label under one protocol, which differ in nothing but the seed.

    Parameters
    ----------
    label
        What the row is called.
    recipe, variant, overrides
        What was run.
    trained
        False for a model evaluated as it starts.
    text_conditioned
        Whether what is compared of a video depends on the text.
    normalizer
        The test-time normaliser and what it looks at; None for raw scores.
    runs
        By seed.
    results
        By direction.
    cost
        Means over the seeds, by name; None where it was not measured.
    measured_on
        The device and, on a CPU, the threads that times and memory were measured with.
    identity
        The run's own, or the SHA-256 of all seeds' identities.
    fingerprint
        Of the protocol that it was measured under.
    clips
        How many clips were searched, and how many the split should have; None where that is not told.
    bounds
        By direction and metric, the least and the greatest mean over the seeds that all clips of the split
        could give, by what each run knows of them; nothing where no clip is missing, or no one knows how
        many captions are.
    differs
        In a table that mixes protocols: the fields that are not the same in all rows, with their value.
    """

    label: str
    recipe: str
    variant: str | None
    overrides: tuple[str, ...]
    trained: bool
    text_conditioned: bool
    normalizer: str | None
    runs: tuple[RowRun, ...]
    results: Mapping[Direction, Result]
    cost: Mapping[str, float | None]
    measured_on: str
    identity: str
    fingerprint: str
    clips: tuple[int, int] | None
    bounds: Mapping[Direction, Mapping[str, Bounds]]
    differs: Mapping[str, str] = field(default_factory=dict)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, ascending."""
        return tuple(run.record.seed for run in self.runs)


@dataclass(frozen=True)
class Section:
    """Rows that were measured under one protocol, and may therefore be compared; or under several, mixed.

    Parameters
    ----------
    protocols
        By fingerprint, what it is made of: one, unless protocols are mixed.
    fields
        What all of them have in common.
    dataset, split
        To show.
    queries, videos
        How many queries and videos each direction has.
    tag_queries
        How many queries of each direction have a tag.
    rows
        Best R@1 of text to video first.
    comparisons
        The suite's, in both directions.
    clips
        Ids of the clips that are left, where rows are restricted to some; else None.
    """

    protocols: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Any]
    dataset: str
    split: str
    queries: Mapping[Direction, int]
    videos: int
    tag_queries: Mapping[Direction, Mapping[str, int]]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    clips: tuple[str, ...] | None = None

    @property
    def mixed(self) -> bool:
        """Whether rows of several protocols stand in it."""
        return len(self.protocols) > 1

    @property
    def fingerprint(self) -> str:
        """Of its protocol; ``mixed`` where there are several."""
        return MIXED if self.mixed else next(iter(self.protocols))

    @property
    def marked(self) -> bool:
        """Whether some rows are marked as the best: where there are several, and they may be compared."""
        return len(self.rows) > 1 and not self.mixed

    @property
    def lacking(self) -> tuple[int, int] | None:
        """Clips that were searched and that should be there, where these are more."""
        counted = clips_counted(self.fields)
        return counted if counted is not None and counted[0] < counted[1] else None

    @property
    def place(self) -> str:
        """Name the data set and the split."""
        return f"{self.dataset}, {self.split} split"

    @property
    def places(self) -> tuple[str, ...]:
        """Name where the costs of the rows were measured, each place once."""
        return tuple(dict.fromkeys(row.measured_on for row in self.rows))


@dataclass(frozen=True)
class NotShown:
    """A run that does not count, and why."""

    label: str
    seed: int
    folder: str
    reason: str


@dataclass(frozen=True)
class Leaderboard:
    """Everything that a report shows.

    Parameters
    ----------
    title
        Of the suite.
    sections
        One for each fingerprint; none if every run is stale.
    differing
        The protocol's fields that are not the same in all sections, with their value in each.
    stale
        Runs that something they are made of has changed since.
    superseded
        Runs in whose place a newer one of the same row counts.
    left_out
        Runs that cannot be restricted to the clips that were asked for.
    notes
        What a reader has to know of these numbers.
    """

    title: str
    sections: tuple[Section, ...]
    differing: Mapping[str, tuple[Any, ...]]
    stale: tuple[NotShown, ...]
    superseded: tuple[NotShown, ...]
    notes: tuple[str, ...]
    left_out: tuple[NotShown, ...] = ()
