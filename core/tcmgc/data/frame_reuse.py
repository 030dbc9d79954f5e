"""Frames of clips that another split or an earlier start has decoded already."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .frame_cache import FRAMES, TIMES, Damaged, read_manifest
from .frame_work import ABOUT, WORK, Line, read_journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .frame_work import FrameWork, Journal


@dataclass(frozen=True)
class Donor:
    """A folder with frames that were decoded in the same way.

    Parameters
    ----------
    path
        The folder.
    lines
        By clip, as `clip_key` names it: what is known of it, and its ``row`` there.
    """

    path: Path
    lines: Mapping[str, Line]


def reuse(work: FrameWork, journal: Journal) -> None:
    """Copy what is missing from folders beside it, if it was decoded there in the same way.

    A split that shares clips with another, or one with a file that was replaced, decodes what is new only.
    """
    wanted = {clip_key(clip): row for row, clip in enumerate(work.clips) if row not in work.lines}
    if not wanted:
        return
    mapped = np.load(work.frames, mmap_mode="r+")
    for donor in _donors(work):
        given = {key: line for key, line in donor.lines.items() if key in wanted}
        if not given:
            continue
        try:
            source = np.load(donor.path / FRAMES, mmap_mode="r")
        except (OSError, ValueError):
            continue
        if source.shape[1:] != mapped.shape[1:]:
            continue
        for key, line in given.items():
            row = wanted[key]
            mapped[row] = source[line["row"]]
            if zlib.crc32(mapped[row]) == line["crc32"]:
                journal.add({**line, "row": row})
                del wanted[key]


def clip_key(clip: Mapping[str, Any]) -> str:
    """Name a clip by its content: the SHA-256 of its file, its start and its end."""
    return json.dumps([clip["sha256"], clip["start"], clip["end"]])


def _donors(work: FrameWork) -> list[Donor]:
    found = []
    same = _comparable(work.about)
    for path in sorted(work.folder.parent.iterdir()):
        try:
            if path.name.startswith(WORK):
                told = json.loads((path / ABOUT).read_text(encoding="utf-8"))
                if path != work.path and _comparable(told["about"]) == same:
                    found.append(Donor(path, _journaled(path, told["clips"])))
            elif not path.name.startswith(".") and _comparable(manifest := read_manifest(path)) == same:
                found.append(Donor(path, _finished(path, manifest)))
        except (OSError, ValueError, KeyError, TypeError, IndexError, Damaged):
            continue  # damaged, or being removed
    return found


def _comparable(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two splits must share; not how many clips they have."""
    fields = ("reader", "sampler", "decoding", "preprocess")
    return {**{name: about[name] for name in fields}, "shape": about["shape"][1:]}


def _journaled(path: Path, clips: list[dict[str, Any]]) -> dict[str, Line]:
    return {clip_key(clips[line["row"]]): line for line in read_journal(path) if "failed" not in line}


def _finished(path: Path, manifest: Mapping[str, Any]) -> dict[str, Line]:
    times = np.load(path / TIMES)
    lines = {}
    for row, clip in enumerate(manifest["clips"]):
        known = {key: clip[key] for key in ("crc32", "seconds", "reader")}
        lines[clip_key(clip)] = {"row": row, "times": times[row][~np.isnan(times[row])].tolist(), **known}
    return lines
