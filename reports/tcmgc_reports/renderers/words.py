"""What is said in words, the same in every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.statistics.bootstrap import DRAWS
from tcmgc_reports.board.leaderboard import DIRECTIONS

from .formats import p_value, seeds, signed, signed_bracket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.comparison import Comparison
    from tcmgc_reports.board.leaderboard import Leaderboard, NotShown, Section

LEGEND = (
    "the best of its column, or a row that a paired bootstrap does not tell from the best (95 %, "
    "not corrected for the number of rows)"
)
SPREAD = "± is the standard deviation over seeds, [low, high] the 95 % interval over videos"
COST_NOTE = (
    "Costs are of scoring alone, features given. FLOPs: of matrix products, 2 m n k each, counted on a tile "
    "of prepared texts and videos; index/video: what is kept of a prepared video; memory: of all these and "
    "of a tile for each thread; time: of the whole test split, preparing included, over its pairs."
)
HOW = (
    "Numbers are means over the seeds; queries with tied scores count by their expectation over the orders "
    "of the tied items.",
    f"[low, high] is the 95 % percentile interval of a bootstrap with {DRAWS} draws of the test videos, each "
    "with all its queries: how far a number may move with another test set. It does not cover another "
    "training: of that, the standard deviation over the seeds (±) speaks; a model that was not trained has "
    "none.",
    "A comparison is paired: both rows answer the same queries. p is the two-sided p-value of a permutation "
    "test that flips the sign of whole videos, not corrected for the number of comparisons.",
    COST_NOTE,
    "Where videos of the split are missing, least and most are exact: in the best case missing queries are "
    "answered first and missing videos outrank nothing, in the worst case they are answered last and outrank "
    "everything. A row that is restricted to some videos is bounded by all that it was evaluated on.",
    "Models were selected on the validation split; the test split was read after that.",
)


def worth(comparison: Comparison) -> str:
    """Say what a difference is worth, whichever way it falls.

    Parameters
    ----------
    comparison
        Of two rows.
    """
    return (
        f"{comparison.title} is worth {signed(comparison.difference.mean)} R@1 "
        f"{signed_bracket(comparison.difference)}, {p_value(comparison.p)}: {comparison.verdict}"
    )


def basis(comparison: Comparison) -> str:
    """Say which rows were compared, in which direction, the difference with each seed, and missing seeds.

    Parameters
    ----------
    comparison
        Of two rows.
    """
    text = f"{comparison.row} against {comparison.against}, {DIRECTIONS[comparison.direction]}"
    if len(comparison.by_seed) > 1:
        each = ", ".join(f"{signed(difference)}" for difference in comparison.by_seed.values())
        text += f"; by seed {each}"
    for label, lacking in comparison.missing.items():
        text += f"; {label} has no run with seed{'s' if len(lacking) > 1 else ''} {seeds(lacking)}"
    return text


def heading(board: Leaderboard, section: Section) -> str:
    """Name a section: its data, and its fingerprint where there are several.

    Parameters
    ----------
    board, section
        The section and where it stands.
    """
    if len(board.sections) == 1:
        return section.place
    return f"{section.place}, protocol {section.fingerprint[:12]}"


def counted(section: Section, direction: Direction) -> str:
    """Say how many queries search how many videos.

    Parameters
    ----------
    section, direction
        What is counted.
    """
    queries, videos = section.queries[direction], section.videos
    if section.mixed:
        return f"up to {queries} queries, {videos} videos"
    return f"{queries} queries, {videos}{of_expected(section)} videos"


def of_expected(section: Section) -> str:
    """Say how many videos the split should have, as `` of 50``; nothing where all are there.

    Parameters
    ----------
    section
        Of the board.
    """
    return "" if section.lacking is None else f" of {section.lacking[1]}"


def bounded(section: Section) -> str:
    """Name a table of bounds.

    Parameters
    ----------
    section
        In which videos are missing.
    """
    count = f"all {section.fields['clips_expected']}" if "clips_expected" in section.fields else "all"
    return f"least and most with {count} videos, whatever the missing ones would give"


def normalizations(section: Section) -> list[str]:
    """Say which rows were normalised at test time, how, and what that looks at.

    Parameters
    ----------
    section
        Whose rows.
    """
    found: dict[str, list[str]] = {}
    for row in section.rows:
        if row.normalizer is not None:
            found.setdefault(row.normalizer, []).append(row.label)
    return [f"normalised at test time by {how}: {', '.join(labels)}" for how, labels in found.items()]


def remarks(board: Leaderboard) -> list[str]:
    """List normalisations, notes, differences between protocols, and runs that are not shown.

    Parameters
    ----------
    board
        The leaderboard.
    """
    lines = [] if board.sections else ["no run is fresh: `tcmgc run` computes them again"]
    if board.differing:
        lines.append("rows of different protocols are not compared; what differs:")
        lines += [
            f"  {name}: {' | '.join(map(str, values))}" for name, values in sorted(board.differing.items())
        ]
    lines += dict.fromkeys(line for section in board.sections for line in normalizations(section))
    lines += board.notes
    lines += _not_shown("stale", board.stale) + _not_shown("superseded", board.superseded)
    return lines + _not_shown("left out", board.left_out)


def _not_shown(why: str, runs: Sequence[NotShown]) -> list[str]:
    """List runs, those of one label and reason on one line."""
    found: dict[tuple[str, str], list[int]] = {}
    for run in runs:
        found.setdefault((run.label, run.reason), []).append(run.seed)
    return [
        f"{why}, not shown: {label}, seed{'s'[: len(seeds) - 1]} {', '.join(map(str, seeds))}: {reason}"
        for (label, reason), seeds in found.items()
    ]
