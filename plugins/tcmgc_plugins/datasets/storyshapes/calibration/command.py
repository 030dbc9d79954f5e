"""``tcmgc calibrate``: the calibration table of StoryShapes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tcmgc.cli.console import say_error, warnings_said
from tcmgc.files.output import refuse_unwritable

PAGE = """# Calibration of StoryShapes

Written by

<!-- skip: next -->

```bash
{command}
```

Every line has to hold before anything is measured with the data set: [StoryShapes](storyshapes.md) says why.
Intervals are 95 % bootstrap intervals over pairs of partners; p-values are of sign flips over pairs.

{table}
"""


@click.command()
@click.option("--board", default="quickstart", show_default=True, help="Suite whose recipes are looked at.")
@click.option(
    "--motion", default="storyshapes-motion", show_default=True, help="Suite with a model that uses motion."
)
@click.option("--out", required=True, metavar="DIR", help="Folder of the runs.")
@click.option("--page", metavar="FILE", help="Write the table, as Markdown, to a file too.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
def calibrate(board: str, motion: str, out: str, page: str | None, device: str) -> None:
    """Measure whether StoryShapes is fit to measure with; exits with status 1 where it is not."""
    from rich.console import Console
    from tabulate import tabulate

    from tcmgc.cli.run_display import RunDisplay

    from .measure import measure

    if page is not None:
        refuse_unwritable(Path(page), "page")
    with warnings_said(), RunDisplay(Console(stderr=True)) as display:
        found = measure(board, motion, Path(out), device=device, listener=display)
    rows = [
        {"condition": c.what, "found": c.found, "needed": c.needed, "": "met" if c.met else "NOT met"}
        for c in found
    ]
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", maxcolwidths=[44, 30, 24, None]))
    if page is not None:
        table = tabulate(rows, headers="keys", tablefmt="github")
        Path(page).write_text(PAGE.format(command=_said(board, motion, out, page), table=table), "utf-8")
    failed = [condition.what for condition in found if not condition.met]
    if failed:
        say_error(f"{len(failed)} of {len(found)} conditions are not met: {'; '.join(failed)}")
        sys.exit(1)


def _said(board: str, motion: str, out: str, page: str) -> str:
    """Write the command as it was given, without what is default."""
    chosen = {"--board": board, "--motion": motion}
    defaults = {"--board": "quickstart", "--motion": "storyshapes-motion"}
    named = [f"{option} {value}" for option, value in chosen.items() if value != defaults[option]]
    return " ".join(["tcmgc calibrate", *named, f"--out {out} --page {page}"])
