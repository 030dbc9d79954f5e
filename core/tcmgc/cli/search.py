"""``tcmgc search``: texts against an index, one by one."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import click

from tcmgc.errors import ConfigError, TcmgcError

from .console import say_error, say_note, warnings_said
from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMPT = "search> "


@click.command()
@click.argument("query", nargs=-1, metavar="[QUERY]")
@click.option("--index", required=True, metavar="DIR", help="What `tcmgc index` wrote.")
@click.option(
    "--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="Videos that are shown."
)
@click.option(
    "--shortlist",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Videos that a coarse search chooses to be scored; 200 when left out.",
)
@click.option("--exhaustive", is_flag=True, help="Score every video; no coarse search.")
@click.option(
    "--coarse",
    type=click.Choice(["auto", "faiss", "matrix"]),
    default="auto",
    show_default=True,
    help="FAISS's lists, or a comparison with every video; auto takes lists that are there.",
)
@click.option("--model", metavar="DIR", help="Where the index's model is now; where it was, when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON a query.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@plugin_option
def search(
    query: tuple[str, ...],
    index: str,
    top: int,
    shortlist: int | None,
    exhaustive: bool,
    coarse: str,
    model: str | None,
    as_json: bool,
    device: str,
) -> None:
    """Find the videos of an index that show what QUERY says; ask for queries when there is none.

    A coarse search chooses a shortlist, whose videos get the model's exact scores. An empty line, or the end
    of the input, ends the asking.
    """
    if exhaustive and shortlist is not None:
        raise ConfigError("tcmgc search", found="--shortlist beside --exhaustive", expected="either")
    text = " ".join(query) if query else None
    if text is not None and not text.strip():
        raise ConfigError("query", found="an empty text", expected="a sentence that a video may show")
    started = time.perf_counter()
    with warnings_said():
        from tcmgc.api_search import open_index

        searcher = open_index(index, model=model, device=device, lists=coarse)  # type: ignore[arg-type]
    from tcmgc.search.searcher import SHORTLIST

    from .search_display import answer_json, answer_text, counted

    videos = counted(len(searcher.index.live), "video")
    loading = time.perf_counter() - started
    say_note(f"{index}: {videos}, loaded in {loading:.1f} s")
    most = None if exhaustive else (shortlist or SHORTLIST)
    for asked in _queries() if text is None else [text]:
        try:
            answer = searcher.search(asked, top=top, shortlist=most)
        except TcmgcError as error:
            if text is not None:
                raise
            say_error(str(error))
            continue
        click.echo(answer_json(answer, searcher) if as_json else answer_text(answer, searcher))


def _queries() -> Iterator[str]:
    """Ask at a terminal; read lines where there is none."""
    asks = sys.stdin.isatty()
    if asks:
        with suppress(ImportError):  # not on Windows
            import_module("readline")  # the line can be edited, and earlier ones come back
        say_note("an empty line ends it")
    while True:
        try:
            line = input(PROMPT) if asks else sys.stdin.readline()
        except EOFError:
            click.echo()
            return
        if not line.strip():
            return
        yield line.strip()
