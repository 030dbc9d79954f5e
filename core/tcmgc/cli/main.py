"""``tcmgc``: the group of all commands, those of plugins included."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tcmgc import __version__
from tcmgc.app import current_plugins
from tcmgc.commands import CORE_COMMANDS
from tcmgc.errors import PluginError, TcmgcError, nearest

from .console import say_error, say_note

if TYPE_CHECKING:
    from tcmgc.registry import Command


class Commands(click.Group):
    """Imports a command when it is called, so that ``tcmgc --help`` starts no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name core's commands and the plugins'."""
        return [*CORE_COMMANDS, *sorted(current_plugins().registry.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in CORE_COMMANDS:
            return _import(CORE_COMMANDS[cmd_name][0], cmd_name)
        command: Command | None = current_plugins().registry.commands.get(cmd_name)
        return None if command is None else _import(command.target, f"{cmd_name} of plugin {command.origin}")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which there are."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            raise TcmgcError(
                "tcmgc",
                found=f"unknown command {args[0]!r}",
                expected=f"one of {', '.join(known)}",
                hint=nearest(args[0], known),
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the help they were registered with, importing none."""
        commands = current_plugins().registry.commands
        rows = [(name, text) for name, (_, text) in CORE_COMMANDS.items()]
        rows += [(name, commands[name].help) for name in sorted(commands)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _import(target: str, label: str) -> click.Command:
    module, _, name = target.partition(":")
    try:
        command = getattr(import_module(module), name)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"command {label}", found=f"{target!r} does not import: {error}", expected="a click command"
        ) from error
    if not isinstance(command, click.Command):
        raise PluginError(f"command {label}", found=repr(command), expected="a click command")
    return command


def load_plugins(
    _ctx: click.Context, _parameter: click.Parameter, targets: tuple[str, ...]
) -> tuple[str, ...]:
    """Load what ``--plugin`` names, before anything looks at the registry."""
    for target in targets:
        current_plugins().load(target)
    return targets


plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE|MODULE",
    is_eager=True,
    expose_value=False,
    callback=load_plugins,
    help="Load a plugin; may be given more than once.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tcmgc")
@plugin_option
def cli() -> None:
    """Build, compare and check text-video retrieval methods of interchangeable components."""
    if (local := current_plugins().load_beside(Path())) is not None:
        say_note(f"using {local}")


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a mistake is said in one message and exits with status 2."""
    try:
        return cli.main(args=arguments, prog_name="tcmgc", standalone_mode=False)
    except TcmgcError as error:
        if os.environ.get("TCMGC_TRACEBACK"):
            raise
        say_error(str(error))
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            say_error(f"{error.format_message()}\n  hint:     {error.ctx.command_path} --help")
        else:
            say_error(error.format_message())
    except OSError as error:
        say_error(str(error))
    except (click.Abort, KeyboardInterrupt):
        say_error("interrupted")
        sys.exit(130)
    sys.exit(2)
