"""``tcmgc recipe``: recipes as data."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tcmgc.app import current_registry

from .main import plugin_option
from .options import recipe_options


@click.group()
def recipe() -> None:
    """List and show recipes; emit their JSON Schema."""


@recipe.command("list")
@plugin_option
def list_recipes() -> None:
    """List the registered recipes."""
    from tabulate import tabulate

    from tcmgc.recipes.tree import read_yaml

    rows = []
    for name, (path, origin) in sorted(current_registry().recipe_files.items()):
        tree = read_yaml(path).plain()
        rows.append(
            {
                "recipe": name,
                "summary": tree.get("summary", ""),
                "paper": tree.get("paper", ""),
                "variants": ", ".join(tree.get("variants") or {}),
                "plugin": origin.plugin,
            }
        )
    click.echo(tabulate(rows, headers="keys", tablefmt="simple"))


@recipe.command()
@recipe_options
@click.argument("more", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--protocol", metavar="NAME|FILE", help="Put a protocol over it, as `tcmgc run` does.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the config and the origins.")
def show(
    recipe: str,
    variant: str | None,
    overrides: tuple[str, ...],
    more: tuple[str, ...],
    protocol: str | None,
    as_json: bool,
) -> None:
    """Show a RECIPE as it is resolved, and where each value comes from.

    Overrides may follow the name directly: tcmgc recipe show tcmgc aggregator=mean
    """
    from tcmgc.api import read_recipe
    from tcmgc.recipes.show import as_json_object, as_yaml

    read = read_recipe(recipe, variant=variant, protocol=protocol, overrides=(*overrides, *more))
    click.echo(json.dumps(as_json_object(read), indent=2) if as_json else as_yaml(read))


@recipe.command()
@plugin_option
@click.option("--out", metavar="FILE", help="Write it to a file instead of standard output.")
def schema(out: str | None) -> None:
    """Emit the JSON Schema of recipes, for editors: every component of every loaded plugin."""
    from tcmgc.files.disk import write_text, writing
    from tcmgc.files.output import refuse_unwritable
    from tcmgc.recipes.json_schema import recipe_schema

    text = json.dumps(recipe_schema(current_registry()), indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    refuse_unwritable(Path(out), "output")
    with writing("output", Path(out)):
        write_text(Path(out), text)
    click.echo(f"{out}: JSON Schema of recipes")
