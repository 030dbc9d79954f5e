"""``tcmgc bench cost``: what the scoring of every recipe costs on this machine."""

from __future__ import annotations

import json
import shlex
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tcmgc.cli.console import warnings_said
from tcmgc.cli.main import plugin_option
from tcmgc.cli.options import set_option
from tcmgc.files.disk import write_text, writing
from tcmgc.files.output import refuse_unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tcmgc.view_use import Form

    from .measure import Cost

SCHEMA_VERSION = 1
COUNT = click.IntRange(min=1)


@click.command()
@click.argument("subjects", nargs=-1, metavar="[RECIPE|FILE|RUN]...")
@click.option("--variants", is_flag=True, help="Measure every variant of a recipe too.")
@set_option("Override a dotted key of all that is measured; may be repeated.")
@click.option("--texts", type=COUNT, default=64, show_default=True, help="T, prepared at a time.")
@click.option(
    "--videos",
    type=COUNT,
    multiple=True,
    default=(1_000, 100_000),
    show_default=True,
    help="V, a gallery that a query is timed at; may be repeated. `memory` is of the first.",
)
@click.option("--words", type=COUNT, default=32, show_default=True, help="W, token positions a text.")
@click.option("--frames", type=COUNT, default=12, show_default=True, help="F, frames a video.")
@click.option("--patches", type=COUNT, default=49, show_default=True, help="Patches a frame, where used.")
@click.option("--dim", type=COUNT, default=512, show_default=True, help="D, the joint width.")
@click.option(
    "--form",
    type=click.Choice(["factored", "dense"]),
    default="factored",
    show_default=True,
    help="Of vectors that a text conditions, as in tcmgc score.",
)
@click.option("--memory", type=float, default=1.0, show_default=True, help="GB of prepared videos at a time.")
@click.option(
    "--patience", type=float, default=10.0, show_default=True, help="Seconds before a time is extrapolated."
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--json", "out", metavar="FILE", help="Write every measurement too.")
@click.option("--page", metavar="FILE", help="Write the tables into a Markdown page too.")
@plugin_option
def cost(
    subjects: tuple[str, ...],
    variants: bool,
    overrides: tuple[str, ...],
    texts: int,
    videos: tuple[int, ...],
    words: int,
    frames: int,
    patches: int,
    dim: int,
    form: Form,
    memory: float,
    patience: float,
    device: str,
    out: str | None,
    page: str | None,
) -> None:
    """Measure what scoring costs: FLOPs, time, bytes of an index, memory.

    Of every registered recipe, or of those named, of recipe files, and of the models in folders of runs,
    which have sizes of their own. Encoders are not part of it: features are random, and all real.

    FLOPs are those of matrix products, 2 m n k each, checked against PyTorch's counter. text and video are
    what is done once an item, pair what is left to do for each two. A query is one text, prepared and scored
    against every prepared video. index/video is what is kept of a prepared video, memory the most that
    scoring takes beside features, weights and scores.
    """
    from .page import read_page, write_page
    from .table import cost_tables

    for option, path in (("output", out), ("page", page)):
        if path is not None:
            refuse_unwritable(Path(path), option)
    around = None if page is None else read_page(Path(page))
    with warnings_said():
        from tcmgc import Sizes
        from tcmgc.runs.environment import environment

        from .measure import Setting, measure_cost
        from .subjects import find_subjects

        setting = Setting(texts, videos, int(memory * 1e9), patience)
        sizes = Sizes(dim, words, frames, frames * patches)
        chosen = find_subjects(subjects, sizes, device, variants=variants, overrides=overrides)
        found: list[Cost] = []
        with _progress(len(chosen)) as advance:
            for subject in chosen:
                tell = advance(subject.label)
                tell("building")
                model = subject.build()
                model.form = form
                found.append(measure_cost(subject.label, model, setting, tell))
        where = environment(device, "32-true")
    threads = f"{where['threads']} thread{'' if where['threads'] == 1 else 's'}"
    dense = ", dense form" if form == "dense" else ""
    on = f"{where['device_name']} ({device}), {threads}, PyTorch {where['torch']}{dense}"
    click.echo(f"{on}\n\n{cost_tables(found, 'terminal')}")
    if out is not None:
        about = {"schema_version": SCHEMA_VERSION, "form": form, "setting": asdict(setting)}
        about["environment"] = where
        content = {**about, "costs": [asdict(one) for one in found]}
        with writing("output", Path(out)):
            write_text(Path(out), json.dumps(content, indent=2) + "\n")
    if page is not None and around is not None:
        given = shlex.join(["tcmgc", "bench", "cost", *_given(click.get_current_context())])
        shown = f"<!-- skip: next -->\n\n```bash\n{given}\n```\n\n{on}: {cost_tables(found, 'markdown')}"
        with writing("page", Path(page)):
            write_page(Path(page), around, shown)


def _given(context: click.Context) -> list[str]:
    """Return the arguments that were given and that change what a page says."""
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not given or name == "out":
            continue
        value: Any = context.params[name]
        if isinstance(parameter, click.Argument):
            words += value
        elif isinstance(value, bool):
            words.append(parameter.opts[0])
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [parameter.opts[0], str(one)]
    return words


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], Callable[[str], None]]]:
    """Show what is measured; yields a function of a label, which returns one of what is done with it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=total)
        done = 0

        def begin(label: str) -> Callable[[str], None]:
            nonlocal done
            bars.update(task, completed=done)
            done += 1
            if not console.is_terminal:
                click.echo(f"{done} of {total}: {label}", err=True)
            return lambda what: bars.update(task, description=f"{label}: {what}")

        yield begin
