"""``tcmgc bench search``: what an index costs, and what a shortlist loses."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tcmgc.cli.console import progress_bar, warnings_said
from tcmgc.errors import ConfigError, DataError
from tcmgc.files.output import refuse_unwritable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tcmgc.data.clip import SplitName
    from tcmgc.search.searcher import Searcher

    from .shortlists import SearchResult, Share

SCHEMA_VERSION = 1
LENGTHS = "50,100,200,500,1000"


@click.command("search")
@click.option("--index", "folder", required=True, metavar="DIR", help="What `tcmgc index` wrote.")
@click.option(
    "--texts", metavar="FILE", help="Queries, one a line; captions of the index's data set without."
)
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="Whose captions ask.",
)
@click.option("--queries", type=click.IntRange(min=2), default=500, show_default=True, help="The most texts.")
@click.option("--shortlists", default=LENGTHS, show_default=True, metavar="N,N,...", help="Lengths.")
@click.option("--coarse", type=click.Choice(["auto", "faiss", "matrix"]), default="auto", show_default=True)
@click.option("--reference", metavar="DIR", help="Another index of the same videos, to compare scores with.")
@click.option("--model", metavar="DIR", help="Where the model is now.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--json", "out", metavar="FILE", help="Write every measurement too.")
def search(
    folder: str,
    texts: str | None,
    split: SplitName,
    queries: int,
    shortlists: str,
    coarse: str,
    reference: str | None,
    model: str | None,
    device: str,
    out: str | None,
) -> None:
    """Measure an index: bytes and time a video, time a query, and the recall that shortlists lose.

    All videos are ranked for every text, which takes a while. Intervals are 95 % bootstraps over videos.
    """
    lengths = _lengths(shortlists)
    if out is not None:
        refuse_unwritable(Path(out), "output")
    with warnings_said():
        from tcmgc import open_index

        searcher = open_index(folder, model=model, device=device, lists=coarse)  # type: ignore[arg-type]
        asked, rows = _file(texts, queries) if texts is not None else _captions(searcher, split, queries)
        from .shortlists import agreement, all_scores, measure_search

        with progress_bar("ranking", "texts") as progress:
            result = measure_search(searcher, asked, rows, lengths, progress=progress)
    cost = index_cost(searcher)
    _say(searcher, cost, result)
    compared = None
    if reference is not None:
        other = open_index(reference, model=model, device=device)
        if [v.id for v in other.index.contents.videos] != [v.id for v in searcher.index.contents.videos]:
            raise DataError(
                f"index {reference}", found="other videos", expected=f"the videos of {folder}, in its order"
            )
        ours, theirs = (all_scores(each, each.encode(asked)) for each in (searcher, other))
        compared = agreement(ours, theirs)
        click.echo(
            f"\nagainst {reference}: scores differ by {compared.difference:.1e} of {compared.largest:.1f} "
            f"at most; the same first video in {compared.first:.1f} %, "
            f"{compared.ten:.1f} % of the first ten in common"
        )
    if out is not None:
        found = {"cost": cost, **asdict(result), "against": None if compared is None else asdict(compared)}
        about = {"schema_version": SCHEMA_VERSION, "coarse": searcher.coarse.name, "device": device}
        Path(out).write_text(json.dumps({**about, **found}, indent=2) + "\n", "utf-8")


def _lengths(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    lengths = tuple(sorted({int(word) for word in words if word.isdecimal()}))
    if len(lengths) != len(words) or lengths[0] < 1:
        raise ConfigError("--shortlists", found=repr(text), expected=f"distinct whole numbers, as {LENGTHS}")
    return lengths


def _file(path: str, most: int) -> tuple[list[str], None]:
    from tcmgc.files.captions_file import read_captions

    return list(read_captions(Path(path)))[:most], None


def _captions(searcher: Searcher, name: str, most: int) -> tuple[list[str], NDArray[np.int64]]:
    """Return captions of a split that is in the index, spread over it, and the rows of their videos."""
    import numpy as np

    from tcmgc.app import current_registry
    from tcmgc.component_config import make_component

    index = searcher.index
    source = next((each for each in index.about.sources if each.split == name), None)
    if source is None:
        raise ConfigError(
            f"index {index.path}",
            found=f"no {name} split of a data set in it",
            expected="captions of videos that are in it, or --texts FILE",
        )
    dataset = make_component("dataset", source.name, source.settings, current_registry())
    dataset.prepare()
    captions = [one for one in dataset.split(name).captions if one.clip in index.contents.rows]
    places = np.unique(np.linspace(0, len(captions) - 1, min(most, len(captions))).round().astype(int))
    chosen = [captions[place] for place in places]
    return [one.text for one in chosen], np.array([index.contents.rows[one.clip] for one in chosen])


def index_cost(searcher: Searcher) -> dict[str, Any]:
    """Say what a video of an index costs: bytes by array, and milliseconds by step of the indexing."""
    index = searcher.index
    blocks = index.contents.blocks
    read = sum(len(block.videos) for block in blocks)
    return {
        "bytes": {name: array[:1].nbytes for name, array in index.arrays.items()},
        "milliseconds": {
            step: 1000 * sum(getattr(block.seconds, step) for block in blocks) / read
            for step in type(blocks[0].seconds).model_fields
        },
    }


def _say(searcher: Searcher, cost: dict[str, Any], result: SearchResult) -> None:
    import torch
    from tabulate import tabulate

    index = searcher.index
    each = sum(cost["bytes"].values())
    steps = ", ".join(f"{step} {value:.2f}" for step, value in cost["milliseconds"].items())
    click.echo(
        f"{index.path}: {result.videos:,} videos, {index.about.dtype}, {each:,} bytes a video, "
        f"of which coarse {cost['bytes']['coarse']:,}"
    )
    click.echo(f"indexing, ms a video: {steps}")
    click.echo(
        f"a query, ms, medians, {torch.get_num_threads()} threads: text {result.text_us / 1000:.2f}, "
        f"coarse {result.coarse_us / 1000:.2f} ({searcher.coarse.name}), "
        f"exact scores of all {result.all_us / 1000:.1f}"
    )
    click.echo(
        f"{result.texts} queries; % of the ranking of all videos that a shortlist keeps, R@k, R@k lost\n"
    )
    rows = [
        {
            "shortlist": f"{one.length:,}",
            **{f"first {k}": f"{share.value:.1f}" for k, share in one.found.items()},
            **{f"R@{k}": f"{share.value:.1f}" for k, share in one.recall.items()},
            **{f"lost R@{k}": _told(share) for k, share in one.lost.items()},
            "exact ms": f"{one.exact_us / 1000:.2f}",
        }
        for one in result.shortlists
    ]
    everything: dict[str, Any] = {"shortlist": f"all {result.videos:,}"}
    everything |= {f"R@{k}": _told(share) for k, share in result.recall.items()}
    everything["exact ms"] = f"{result.all_us / 1000:.1f}"
    click.echo(tabulate([*rows, everything], headers="keys", tablefmt="simple", disable_numparse=True))


def _told(share: Share) -> str:
    return f"{share.value:.1f} [{share.low:.1f}, {share.high:.1f}]"
