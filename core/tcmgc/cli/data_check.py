"""``tcmgc data check``: what is there of a data set, against what should be."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import progress_bar, say_note, waiting_for
from .data_prepare import failures, opened
from .data_setup import (
    HowDecoded,
    dataset_arguments,
    decoding_options,
    from_here,
    how_decoded,
    made,
    settings_of,
    splits_of,
)
from .main import plugin_option

if TYPE_CHECKING:
    from tcmgc.data.audit import SplitAudit
    from tcmgc.data.clip import SplitName
    from tcmgc.data.decode_worker import Failed
    from tcmgc.slots.dataset import Dataset

SHOWN = 10
"""Problems that are said below the table."""


@click.command()
@plugin_option
@dataset_arguments
@decoding_options
@click.option("--decode", is_flag=True, help="Decode all clips, into the cache; otherwise they are opened.")
@click.option("--missing", metavar="FILE", help="Write split, id and problem of what is missing, as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    name: str,
    settings: tuple[str, ...],
    root: str | None,
    protocol: str | None,
    overrides: tuple[str, ...],
    workers: int | None,
    time_limit: float | None,
    decode: bool,
    missing: str | None,
    as_json: bool,
) -> None:
    """Compare what is there of the data set NAME with what should be; exits with 1 where they differ.

    Counts of the annotation files are verified first: a file with another number of rows is an error.
    """
    from tcmgc.files.disk import write_text, writing
    from tcmgc.files.output import refuse_unwritable

    if missing is not None:
        refuse_unwritable(Path(missing), "output")
    own, decoded = settings_of(settings)
    dataset = made(name, own, root)
    how = how_decoded(name, protocol, [*overrides, *decoded])
    limits = {"workers": workers, "time_limit": time_limit}
    checked = [_check(dataset, split, how, limits, decode=decode) for split in _splits(dataset)]
    problems = [problem for each in checked for problem in each.problems()]
    if missing is not None:
        with writing("output", Path(missing)):
            write_text(Path(missing), _csv(problems))
    if as_json:
        content = {each.split: each.told() for each in checked}
        told = {"schema_version": 1, "dataset": name, "version": dataset.version, "splits": content}
        click.echo(json.dumps(told, indent=1))
    else:
        _say(name, dataset.version, checked, problems)
    if problems:
        click.get_current_context().exit(1)


@dataclass(frozen=True)
class _Checked:
    """What was found of a split; ``seconds`` of the clips that can be read."""

    split: SplitName
    audit: SplitAudit
    unreadable: dict[str, Failed]
    seconds: float

    @property
    def found(self) -> tuple[int, int]:
        """Clips and captions that can be used."""
        if self.audit.present is None:
            return 0, 0
        bad = self.unreadable
        clips = sum(clip.id not in bad for clip in self.audit.present.clips)
        return clips, sum(caption.clip not in bad for caption in self.audit.present.captions)

    def problems(self) -> list[tuple[str, str, str]]:
        """Split, id and problem of every clip that cannot be used."""
        found = list(self.audit.without_video.items())
        found += [(clip, "no caption") for clip in self.audit.without_caption]
        found += [(clip, f"unreadable: {failed.reason}") for clip, failed in self.unreadable.items()]
        return [(self.split, clip, problem) for clip, problem in found]

    def told(self) -> dict[str, Any]:
        clips, captions = self.found
        return {
            "clips_expected": self.audit.clips,
            "clips_found": clips,
            "captions_expected": self.audit.captions,
            "captions_found": captions,
            "seconds": round(self.seconds, 3),
            "without_video": list(self.audit.without_video),
            "without_caption": list(self.audit.without_caption),
            "unreadable": {clip: failed.reason for clip, failed in self.unreadable.items()},
        }


def _splits(dataset: Dataset) -> tuple[SplitName, ...]:
    from tcmgc.slots.dataset import Audited

    if not isinstance(dataset, Audited):
        with progress_bar("preparing", "clips") as progress:
            dataset.prepare(progress)
    return splits_of(dataset)


def _check(
    dataset: Dataset, name: SplitName, how: HowDecoded | None, limits: dict[str, Any], *, decode: bool
) -> _Checked:
    from tcmgc.data.audit import SplitAudit
    from tcmgc.data.clip_tasks import Probed
    from tcmgc.slots.dataset import Audited

    if isinstance(dataset, Audited):
        audit = dataset.audit(name)
    else:
        split = dataset.split(name)
        audit = SplitAudit(split.expected_clips, len(split.captions), {}, (), split)
    if audit.present is None:
        return _Checked(name, audit, {}, 0.0)
    if decode and how is not None:
        return _decoded(audit, how, limits)
    answers = opened(audit.present, how, **limits)
    seconds = sum(answer.seconds for answer in answers.values() if isinstance(answer, Probed))
    return _Checked(name, audit, failures(answers), seconds)


def _decoded(audit: SplitAudit, how: HowDecoded, limits: dict[str, Any]) -> _Checked:
    from tcmgc.data.decode_frames import UnreadableClips
    from tcmgc.data.frames import load_split

    split = audit.present
    assert split is not None
    found: dict[str, Failed] = {}
    seconds = 0.0
    try:
        with progress_bar(f"decoding {split.name}", "clips") as progress:
            data = load_split(
                _Present(split),
                split.name,
                progress=from_here(progress),
                waits=lambda lock: say_note(waiting_for(lock)),
                **how.load_arguments(split.name),
                **limits,
            )
        seconds = sum(clip["seconds"] for clip in data.told)
    except UnreadableClips as error:
        found, seconds = dict(error.failed), error.seconds
    return _Checked(split.name, audit, found, seconds)


class _Present:
    """What is there of a data set, as one that fails at what cannot be read."""

    version = ""

    def __init__(self, split: Any) -> None:
        self._split = split

    def prepare(self, progress: Any = None) -> None:
        """Do nothing."""

    def split(self, name: SplitName) -> Any:
        """Return the split."""
        return self._split


def _say(name: str, version: str, checked: list[_Checked], problems: list[tuple[str, str, str]]) -> None:
    from tabulate import tabulate

    rows = []
    for each in checked:
        clips, captions = each.found
        rows.append(
            {
                "split": each.split,
                "clips": f"{clips:,} of {each.audit.clips:,}",
                "captions": f"{captions:,} of {each.audit.captions:,}",
                "no video": f"{len(each.audit.without_video):,}",
                "no caption": f"{len(each.audit.without_caption):,}",
                "unreadable": f"{len(each.unreadable):,}",
                "seconds": f"{each.seconds:,.1f}",
            }
        )
    align = ["left", *["right"] * 6]
    click.echo(f"{name}: version {version}")
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True, colalign=align))
    for split, clip, problem in problems[:SHOWN]:
        click.echo(f"- {split} {clip}: {problem}")
    if len(problems) > SHOWN:
        click.echo(f"- and {len(problems) - SHOWN:,} more; --missing FILE writes all")


def _csv(problems: list[tuple[str, str, str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("split", "id", "problem"), *problems])
    return file.getvalue()
