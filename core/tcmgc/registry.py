"""The registry: which components exist, where they come from, and how one is made."""

from __future__ import annotations

import inspect
import re
from copy import copy
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, PluginError, TcmgcError, nearest
from .slots import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .schema import ComponentSchema

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from.

    Parameters
    ----------
    plugin
        Its name: the entry point's, or the file's or module's.
    source
        The distribution and its version, or the path it was loaded from.
    """

    plugin: str
    source: str

    def __str__(self) -> str:
        return f"{self.plugin} ({self.source})"


@dataclass(frozen=True)
class Entry:
    """One registered component; its class is imported when it is first used."""

    slot: str
    name: str
    target: Callable[..., object] | str
    origin: Origin

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"{self.slot} {self.name!r}"

    @property
    def location(self) -> str:
        """``module:Class``."""
        if isinstance(self.target, str):
            return self.target
        name = getattr(self.target, "__qualname__", None)
        return f"{self.target.__module__}:{name}" if name else repr(self.target)

    @cached_property
    def component(self) -> Callable[..., object]:
        """The class, imported now if it was registered by string."""
        from .source_hash import remember_imported

        if not isinstance(self.target, str):
            remember_imported(getattr(self.target, "__module__", "").partition(".")[0], "tcmgc")
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            found: Any = import_module(module)
            remember_imported(module.partition(".")[0], "tcmgc")
            for part in attribute.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.label} of plugin {self.origin}",
                found=f"{self.target!r} does not import: {type(error).__name__}: {error}",
                expected="an importable 'module:Class'",
            ) from error
        if not callable(found):
            raise PluginError(f"{self.label} of plugin {self.origin}", found=repr(found), expected="a class")
        return found  # type: ignore[no-any-return]

    @cached_property
    def schema(self) -> ComponentSchema:
        """The parameters, read off the constructor."""
        from .schema import component_schema  # pydantic is slow to import, and listings need none

        return component_schema(self.component, self.label)


@dataclass(frozen=True)
class Command:
    """A sub-command of ``tcmgc``, imported when it is called."""

    name: str
    target: str
    help: str
    origin: Origin


@dataclass
class Registry:
    """All components, recipes, protocols, suites and commands that the loaded plugins registered."""

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    recipe_files: dict[str, tuple[Path, Origin]] = field(default_factory=dict)
    protocol_files: dict[str, tuple[Path, Origin]] = field(default_factory=dict)
    suite_files: dict[str, tuple[Path, Origin]] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    plugins: list[Origin] = field(default_factory=list)

    def copy(self) -> Registry:
        """Return a copy that later registrations do not change."""
        return Registry(**{each.name: copy(getattr(self, each.name)) for each in fields(self)})

    def restore(self, earlier: Registry) -> None:
        """Go back to what `copy` returned."""
        for each in fields(self):
            setattr(self, each.name, getattr(earlier, each.name))

    def names(self, slot: str) -> list[str]:
        """List the components of a slot, sorted."""
        return sorted(name for kind, name in self.entries if kind == slot)

    def add(self, entry: Entry) -> None:
        """Add a component; a name already taken in its slot is an error."""
        if not NAME.fullmatch(entry.name):
            raise PluginError(
                f"plugin {entry.origin}: {entry.label}",
                found=repr(entry.name),
                expected="lower-case words and digits joined by hyphens",
            )
        if (taken := self.entries.get((entry.slot, entry.name))) is not None:
            raise PluginError(
                f"{entry.label} is registered twice",
                found=f"{taken.location} by {taken.origin} and {entry.location} by {entry.origin}",
                expected="one name, one component",
            )
        self.entries[entry.slot, entry.name] = entry

    def find(self, slot: str, name: str, where: str | None = None) -> Entry:
        """Return the component of that name.

        Raises
        ------
        ConfigError
            When there is none: with the names there are and the nearest of them.
        """
        if slot not in SLOTS:
            raise ConfigError(
                f"slot {slot!r}", expected=f"one of {', '.join(SLOTS)}", hint=nearest(slot, SLOTS)
            )
        if (entry := self.entries.get((slot, name))) is None:
            known = self.names(slot)
            raise ConfigError(
                where or f"{slot} {name!r}",
                found=f"unknown {slot} {name!r}",
                expected=f"one of {', '.join(known)}" if known else f"a {slot}, but no plugin registers any",
                hint=nearest(name, known),
            )
        return entry

    def create(
        self, slot: str, config: Mapping[str, Any] | None, sizes: Mapping[str, int], where: str | None = None
    ) -> Any:
        """Make a component from its resolved config.

        Parameters
        ----------
        slot
            Its slot.
        config
            ``name`` and parameters, checked and with defaults filled (see `tcmgc.recipes.resolve`); None is
            an error.
        sizes
            What may be injected, by name.
        where
            What errors call its place; its label when left out.

        Raises
        ------
        ConfigError
            When there is nothing to make, or the component cannot be made of these parameters.
        PluginError
            When its constructor fails otherwise, or what it makes is no component of the slot.
        """
        from .schema import slot_fields

        if config is None:
            raise ConfigError(
                where or slot,
                found=f"no {slot}",
                expected=f"one of {', '.join(self.names(slot))}" if self.names(slot) else f"a {slot}",
            )
        entry = self.find(slot, config["name"], where)
        nested = slot_fields(entry.schema.model)
        arguments: dict[str, Any] = {}
        for key, value in config.items():
            if key == "name":
                continue
            if key in nested and value is not None:
                arguments[key] = self.create(nested[key], value, sizes, f"{where or entry.label}.{key}")
            else:
                arguments[key] = value
        for size in entry.schema.injected:
            if size not in sizes:
                raise PluginError(
                    f"{entry.label}: parameter {size!r}",
                    found="a size that is not known in this place",
                    expected=f"one of {', '.join(sizes)}",
                )
            arguments[size] = sizes[size]
        return _make(entry, arguments, where)

    def create_all(self, slot: str) -> dict[str, Any]:
        """Make every component of a slot with its defaults, by name."""
        return {name: self.create(slot, {"name": name}, {}) for name in self.names(slot)}


def _make(entry: Entry, arguments: Mapping[str, Any], where: str | None) -> object:
    """Call the constructor; what a value can cause is the config's fault, anything else the plugin's."""
    try:
        component = entry.component(**arguments)
    except ValueError as error:
        raise ConfigError(where or entry.label, found=str(error)) from None
    except TcmgcError:
        raise
    except (TypeError, RuntimeError, OverflowError, MemoryError) as error:  # PyTorch's, of a size too large
        raise ConfigError(
            where or entry.label,
            found=f"{entry.label} of plugin {entry.origin} raises {_said(error)}",
            expected="parameters that it can be made of",
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{entry.label} of plugin {entry.origin}",
            found=f"its constructor raises {_said(error)}",
            expected="a component, or a ValueError that says what is wrong with a parameter",
        ) from error
    module, _, name = SLOTS[entry.slot].partition(":")
    if not _fits(component, getattr(import_module(module), name)):
        raise PluginError(
            f"{entry.label} of plugin {entry.origin}",
            found=f"{type(component).__name__} lacks a method or attribute of its slot",
            expected=f"all of {module}.{name}",
        )
    return component


def _fits(component: object, contract: type) -> bool:
    """Whether a component has all that its contract names.

    As ``isinstance`` says it, but no property is evaluated, which Python 3.11 does: a data set's version
    may be read off files that are not looked for before they are needed.
    """
    named = {
        name
        for base in contract.__mro__
        if base.__module__ not in ("typing", "builtins")
        for name in (*vars(base), *inspect.get_annotations(base))
        if not name.startswith("_") or name == "__call__"
    }
    absent = object()
    return all(
        inspect.getattr_static(component, name, absent) is not absent or hasattr(component, name)
        for name in named
    )


def _said(error: BaseException) -> str:
    """Say the kind of an error and its first line."""
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
