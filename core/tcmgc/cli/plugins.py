"""``tcmgc plugins``: which components there are, what they take, where they come from."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError, nearest
from tcmgc.slots import SLOTS

from .main import plugin_option

if TYPE_CHECKING:
    from tcmgc.registry import Entry, Registry


@click.group()
def plugins() -> None:
    """List and show components and where they come from."""


@plugins.command("list")
@plugin_option
@click.option("--slot", type=click.Choice(list(SLOTS)), help="Only the components of one slot.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_components(slot: str | None, as_json: bool) -> None:
    """List all components; none is imported."""
    entries = [entry for _, entry in sorted(current_registry().entries.items()) if slot in (None, entry.slot)]
    rows = [
        {"slot": entry.slot, "name": entry.name, "class": entry.location, "plugin": str(entry.origin)}
        for entry in sorted(entries, key=lambda entry: (list(SLOTS).index(entry.slot), entry.name))
    ]
    if as_json:
        import json

        click.echo(json.dumps({"schema_version": 1, "components": rows}, indent=2))
        return
    from tabulate import tabulate

    click.echo(tabulate(rows, headers="keys", tablefmt="simple"))


@plugins.command()
@plugin_option
@click.argument("name")
def show(name: str) -> None:
    """Show a component: NAME or SLOT/NAME."""
    for entry in _find(current_registry(), name):
        _show(entry)


def _find(registry: Registry, name: str) -> list[Entry]:
    slot, slash, rest = name.partition("/")
    if slash:
        return [registry.find(slot, rest)]
    found = [entry for (_, known), entry in sorted(registry.entries.items()) if known == name]
    if not found:
        known = sorted({name for _, name in registry.entries})
        raise ConfigError(
            f"component {name!r}",
            found="no slot has one of that name",
            expected=f"one of {', '.join(known)}",
            hint=nearest(name, known),
        )
    return found


def _show(entry: Entry) -> None:
    from tabulate import tabulate

    from tcmgc.schema import describe_type

    documentation = inspect.getdoc(entry.component) or ""
    summary = documentation.split("\n\n", maxsplit=1)[0].replace("\n", " ")
    click.echo(click.style(f"{entry.slot} {entry.name}", bold=True) + (f": {summary}" if summary else ""))
    click.echo(f"  paper   {getattr(entry.component, 'paper', 'not given')}")
    click.echo(f"  plugin  {entry.origin}")
    click.echo(f"  class   {entry.location}")
    said = _parameter_texts(documentation)
    rows = [
        (
            name,
            describe_type(info.annotation, info.metadata),
            "required" if info.is_required() else repr(info.default),
            said.get(name, ""),
        )
        for name, info in entry.schema.model.model_fields.items()
    ]
    if rows:
        table = tabulate(
            rows,
            headers=["parameter", "type and range", "default", ""],
            tablefmt="simple",
            maxcolwidths=[None, 32, None, 60],
        )
        click.echo("\n" + "\n".join(f"  {line}" for line in table.splitlines()))
    if entry.schema.injected:
        click.echo(f"\n  injected: {', '.join(entry.schema.injected)}")
    click.echo()


def _parameter_texts(documentation: str) -> dict[str, str]:
    """Read a numpydoc `Parameters` section: the text of each parameter by name."""
    _, section, rest = documentation.partition("Parameters\n----------\n")
    texts: dict[str, list[str]] = {}
    names: list[str] = []
    for line in rest.splitlines() if section else []:
        if line.startswith(("---", "===")):
            break
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.partition(":")[0].split(",")]
        elif line.strip():
            for name in names:
                texts.setdefault(name, []).append(line.strip())
    return {name: " ".join(lines) for name, lines in texts.items()}
