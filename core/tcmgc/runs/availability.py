"""How much of a split an evaluation saw, by the fields of its fingerprint, and what the rest could change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tcmgc.statistics.missing import Missing, bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.ranking import Direction, Ranking
    from tcmgc.slots.metric import Metric
    from tcmgc.statistics.missing import Bounds


def clips_counted(fields: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the clips that were searched and those that the split should have; None where not told."""
    found, expected = fields.get("clips_found"), fields.get("clips_expected")
    return None if found is None or expected is None else (found, expected)


def missing_of(fields: Mapping[str, Any], direction: Direction) -> Missing | None:
    """Say what an evaluation lacked; None where nothing is lacking, or nobody knows how many queries are.

    Parameters
    ----------
    fields
        Of the fingerprint.
    direction
        Texts search videos, or videos search the texts of videos.
    """
    counted = clips_counted(fields)
    if counted is None or (clips := counted[1] - counted[0]) <= 0:
        return None
    if direction == "v2t":
        return Missing(clips, clips)
    captions = fields.get("captions_expected")
    return None if captions is None else Missing(clips, captions - fields["captions"])


def bounds_of(
    fields: Mapping[str, Any], direction: Direction, ranking: Ranking, measures: Mapping[str, Metric]
) -> dict[str, Bounds]:
    """Return the least and the greatest that each number could be with every clip of the split.

    Nothing is returned where no clip is missing, or it is not known how many captions are.
    """
    missing = missing_of(fields, direction)
    return {} if missing is None else bounds(ranking, missing, measures)
