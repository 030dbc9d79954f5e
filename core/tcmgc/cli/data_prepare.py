"""``tcmgc data prepare``: from a folder of files to a verified data set with its frames in the cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from tcmgc.errors import DataError

from .console import progress_bar, say_note, waiting_for, warnings_said
from .data_setup import (
    HowDecoded,
    all_readers,
    dataset_arguments,
    decoding_options,
    from_here,
    how_decoded,
    prepared,
    settings_of,
    splits_of,
)
from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.data.decode_worker import Failed
    from tcmgc.slots.dataset import Dataset

SHOWN = 5
"""Dropped clips of a split that are listed."""


@click.command()
@plugin_option
@dataset_arguments
@decoding_options
@click.option("--decode/--no-decode", default=True, help="Put the frames of all splits into the cache.")
@click.option("--probe/--no-probe", default=True, help="Without decoding: open every video.")
@click.option("--retry", is_flag=True, help="Try again what could not be read before, and was dropped.")
def prepare(
    name: str,
    settings: tuple[str, ...],
    root: str | None,
    protocol: str | None,
    overrides: tuple[str, ...],
    workers: int | None,
    time_limit: float | None,
    decode: bool,
    probe: bool,
    retry: bool,
) -> None:
    """Make or verify the files of the data set NAME, and decode its clips.

    What it takes, it takes after its name: tcmgc data prepare storyshapes size=mini. What begins with reader,
    sampler or encoder goes over the protocol, as with --set. Killed at any moment and started again, it goes
    on from what is decoded.
    """
    from tabulate import tabulate

    from tcmgc.slots.dataset import Noted

    own, decoded = settings_of(settings)
    dataset = prepared(name, own, root)
    how = how_decoded(name, protocol, [*overrides, *decoded]) if decode else None
    if decode and how is None:
        say_note(
            f"no protocol has {name}: its videos are opened only; --protocol NAME says how to decode them"
        )
    preparation = _Preparation(dataset, how, workers, time_limit, retry)
    with warnings_said():
        rows = [preparation.row(split, probe=probe) for split in splits_of(dataset)]
    click.echo(f"{name}: version {dataset.version}")
    for note in dataset.notes if isinstance(dataset, Noted) else ():
        click.echo(f"- {note}")
    if how is not None:
        click.echo(f"- {how.told}")
    for said in preparation.said:
        click.echo(f"- {said}")
    align = ["left" if key in ("split", "path") else "right" for key in rows[0]]
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True, colalign=align))
    preparation.refuse_unreadable()


class _Preparation:
    """Works on splits, one after another, and keeps what cannot be read to the end."""

    def __init__(
        self,
        dataset: Dataset,
        how: HowDecoded | None,
        workers: int | None,
        time_limit: float | None,
        retry: bool,
    ) -> None:
        self._dataset = dataset
        self._how = how
        self._limits: dict[str, Any] = {"workers": workers, "time_limit": time_limit}
        self._retry = retry
        self._unreadable: list[Failed] = []
        self._clips = 0
        self.said: list[str] = []
        """What was dropped, and why."""

    def row(self, name: SplitName, *, probe: bool) -> dict[str, str]:
        """Decode a split, or open its videos, and say what is there."""
        split = self._dataset.split(name)
        self._clips += len(split.clips)
        more: dict[str, str] = {}
        if self._how is not None:
            split, more = self._decoded(split, self._how)
        elif probe:
            more = self._opened(split)
        self._say_dropped(split)
        clips, expected = len(split.clips), split.expected_clips
        return {
            "split": name,
            "clips": f"{clips:,}" if clips == expected else f"{clips:,} of {expected:,}",
            "captions": f"{len(split.captions):,}",
            **more,
            "path": os.path.commonpath([str(clip.path.parent) for clip in split.clips]),
        }

    def refuse_unreadable(self) -> None:
        """Say what cannot be read, if anything cannot."""
        from tcmgc.data.decode_frames import hint_to_drop
        from tcmgc.data.frames import drop_setting

        if self._unreadable:
            first, count = self._unreadable[0], len(self._unreadable)
            found = f"{first.reason}; {count} of {self._clips:,} clips are unreadable"
            hint = hint_to_drop(first, drop_setting(self._dataset))
            raise DataError(first.where, found=found, expected=first.expected, hint=hint)

    def _decoded(self, split: Split, how: HowDecoded) -> tuple[Split, dict[str, str]]:
        from tcmgc.data.decode_frames import UnreadableClips
        from tcmgc.data.frames import load_split

        try:
            with progress_bar(f"decoding {split.name}", "clips") as progress:
                data = load_split(
                    self._dataset,
                    split.name,
                    progress=from_here(progress),
                    retry=self._retry,
                    in_memory=False,
                    waits=lambda lock: say_note(waiting_for(lock)),
                    **how.load_arguments(split.name),
                    **self._limits,
                )
        except UnreadableClips as error:
            self._unreadable += error.failed.values()
            return split, {"seconds": "", "frames": "", "MB": ""}
        chosen, drawn = data.pixels.shape[1], how.sampler.frames
        if chosen != drawn:
            self.said.append(
                f"{split.name}: up to {chosen} frames a clip, of which {how.sampler_config['name']} draws "
                f"{drawn} in every epoch of training"
            )
        return data.split, {
            "seconds": f"{sum(clip['seconds'] for clip in data.told):,.1f}",
            "frames": f"{int(data.mask.sum()):,}",
            "MB": f"{data.pixels.nbytes / 1e6:,.1f}",
        }

    def _opened(self, split: Split) -> dict[str, str]:
        from tcmgc.data.clip_tasks import Probed

        answers = opened(split, None, **self._limits)
        self._unreadable += failures(answers).values()
        seconds = sum(answer.seconds for answer in answers.values() if isinstance(answer, Probed))
        return {"seconds": f"{seconds:,.1f}"}

    def _say_dropped(self, split: Split) -> None:
        if split.dropped:
            first = "; ".join(f"{each.clip}: {each.reason}" for each in split.dropped[:SHOWN])
            more = f"; and {len(split.dropped) - SHOWN} more" if len(split.dropped) > SHOWN else ""
            self.said.append(f"{split.name}: {clips_are(len(split.dropped))} left out: {first}{more}")


def clips_are(count: int) -> str:
    """Say how many clips are something."""
    return "1 clip is" if count == 1 else f"{count:,} clips are"


def opened(split: Split, how: HowDecoded | None, **limits: Any) -> dict[str, object]:
    """Open the videos of a split in worker processes.

    Parameters
    ----------
    split
        Whose clips.
    how
        By its reader; by the first of all readers that can, where None.
    limits
        ``workers`` and ``time_limit`` of `tcmgc.data.decode_pool.work_on_clips`.

    Returns
    -------
    dict
        The answer for each clip, by its id.
    """
    from tcmgc.data.clip_tasks import Probe
    from tcmgc.data.decode_pool import work_on_clips

    task = Probe(tuple(all_readers() if how is None else [how.reader]))
    answers: dict[str, object] = {}
    with progress_bar(f"opening {split.name}", "clips") as progress:

        def told(number: int, answer: object) -> None:
            answers[split.clips[number].id] = answer
            progress(len(answers), len(split.clips))

        work_on_clips(task, split.clips, told=told, **limits)
    return {clip.id: answers[clip.id] for clip in split.clips}


def failures(answers: Mapping[str, object]) -> dict[str, Failed]:
    """Return why clips could not be worked on, by id."""
    from tcmgc.data.decode_worker import Failed

    return {clip: answer for clip, answer in answers.items() if isinstance(answer, Failed)}
