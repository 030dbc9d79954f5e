"""A validation split, carved from the train split of a data set that has none."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tcmgc.errors import DataError

from .entry import AnnotatedSplit

if TYPE_CHECKING:
    from .entry import Entry


def hold_out(
    train: AnnotatedSplit, *, share: float, seed: int, one_caption: bool
) -> tuple[AnnotatedSplit, AnnotatedSplit]:
    """Split a train split in two that share no clip.

    The clips whose ids have the smallest SHA-256 with the seed are held out: which ones depends neither on
    the order of the list nor on a library's random numbers, and a clip that is missing changes no other.

    Parameters
    ----------
    train
        All of it.
    share
        Of its clips, rounded; at least two are held out.
    seed
        Of the choice.
    one_caption
        Keep one caption of each clip that is held out, by the seed, as the test split has one.

    Returns
    -------
    tuple
        What is left to train on, and the validation split, each in the order of the list.

    Raises
    ------
    DataError
        When fewer than four clips are there to be split.
    """
    count = max(2, round(share * len(train.entries)))
    if len(train.entries) - count < 2:
        raise DataError(
            "validation split",
            found=f"{len(train.entries)} train clips, of which {count} are held out",
            expected="at least two that are left",
        )
    ranked = sorted(train.entries, key=lambda entry: _digest(seed, entry.id))
    held = {entry.id for entry in ranked[:count]}
    rest = tuple(entry for entry in train.entries if entry.id not in held)
    chosen = tuple(entry for entry in train.entries if entry.id in held)
    rule = f"{count} of {len(train.entries)} train clips by seed {seed}"
    if one_caption:
        chosen = tuple(_one_caption(entry, seed) for entry in chosen)
        rule += ", one caption each"
    else:
        rule += f", {train.caption_rule}"
    return replace(train, entries=rest), AnnotatedSplit(chosen, rule)


def _one_caption(entry: Entry, seed: int) -> Entry:
    if not entry.sentences:
        return entry
    place = int(_digest(seed, f"caption of {entry.id}")[:12], 16) % len(entry.sentences)
    return replace(entry, sentences=(entry.sentences[place],))


def _digest(seed: int, text: str) -> str:
    return hashlib.sha256(f"{seed} {text}".encode()).hexdigest()
