"""What annotation files say, before any video is looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tcmgc.data.clip import Link, Moment, SplitName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Sentence:
    """A caption without its id; see `tcmgc.data.clip.Caption`."""

    text: str
    moments: tuple[Moment, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A clip and its captions.

    Parameters
    ----------
    id
        Of the clip.
    sentences
        In order; none where a list names the clip and no file has a caption of it.
    start, end
        Seconds of the file; None for the file's own.
    source
        The video that the clip was cut from; None where the annotation files do not tell.
    """

    id: str
    sentences: tuple[Sentence, ...]
    start: float | None = None
    end: float | None = None
    source: str | None = None


@dataclass(frozen=True)
class AnnotatedSplit:
    """The entries of a split, in order, and the rule by which their captions were chosen."""

    entries: tuple[Entry, ...]
    caption_rule: str


Annotations: TypeAlias = Mapping[SplitName, AnnotatedSplit]


def all_captions(entries: Sequence[Entry]) -> AnnotatedSplit:
    """Make a split of all captions; its rule says how many a clip has."""
    counts = [len(entry.sentences) for entry in entries if entry.sentences] or [0]
    least, most = min(counts), max(counts)
    return AnnotatedSplit(
        tuple(entries), f"all, {least} a clip" if least == most else f"all, {least} to {most} a clip"
    )


def sentences(texts: Iterable[str]) -> tuple[Sentence, ...]:
    """Take texts as they are, without moments."""
    return tuple(Sentence(text) for text in texts)


def paragraph(texts: Iterable[str], moments: Iterable[Moment]) -> Sentence:
    """Join sentences by single blanks, as released, and remember which part is about which moment.

    Parameters
    ----------
    texts
        As annotated; blanks and line ends in them stay.
    moments
        One a text, in seconds from the clip's start.
    """
    told, links, text = list(texts), [], ""
    for number, part in enumerate(told):
        text = f"{text} {part}" if number else part
        links.append(Link(len(text) - len(part), len(text), number))
    return Sentence(text, tuple(moments), tuple(links))
