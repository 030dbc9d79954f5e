"""``tcmgc bench coarse``: what the coarse search of a large index takes."""

from __future__ import annotations

import click


@click.command()
@click.option("--videos", type=click.IntRange(min=100), default=100_000, show_default=True, help="V.")
@click.option("--vectors", type=click.IntRange(min=1), default=4, show_default=True, help="M, a video.")
@click.option("--dim", type=click.IntRange(min=2), default=512, show_default=True, help="D.")
@click.option("--shortlist", type=click.IntRange(min=1), default=200, show_default=True)
def coarse(videos: int, vectors: int, dim: int, shortlist: int) -> None:
    """Time the coarse search over vectors that are drawn around scenes; texts are drawn around videos.

    Such vectors say what it costs. How well real ones are found is what `tcmgc bench search` measures.
    """
    import torch
    from tabulate import tabulate

    from tcmgc.search.faiss_coarse import has_faiss

    from .coarse_speed import measure_coarse

    costs = measure_coarse(videos, vectors, dim, min(shortlist, videos))
    size = 4 * videos * vectors * dim
    threads = torch.get_num_threads()
    click.echo(f"{videos:,} videos of {vectors} vectors, D {dim}: {size / 1e9:.2f} GB; {threads} threads")
    rows = [
        {
            "": cost.name,
            "s to make": f"{cost.build_seconds:.1f}",
            "ms a query": f"{cost.milliseconds:.2f}",
            f"% of the nearest {shortlist}": f"{cost.kept:.1f}",
        }
        for cost in costs
    ]
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True))
    if not has_faiss():
        click.echo("FAISS is not installed: pip install 'tcmgc[search]'")
