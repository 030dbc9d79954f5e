"""Finding and loading plugins."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from . import hooks
from .errors import PluginError, TcmgcError
from .register import Register
from .registry import Origin, Registry

if TYPE_CHECKING:
    from types import ModuleType

LOCAL = "tcmgc_local.py"
BLOCK = "TCMGC_BLOCK_PLUGINS"
"""Environment variable: comma-separated names of installed plugins that are not to be loaded."""


class Plugins:
    """The loaded plugins and the registry that they filled."""

    def __init__(self) -> None:
        self.registry = Registry()
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)

    def load_installed(self) -> None:
        """Load every entry point of the group ``tcmgc``, sorted by name."""
        blocked = {name.strip() for name in os.environ.get(BLOCK, "").split(",")}
        for point in sorted(entry_points(group=hooks.PROJECT), key=lambda point: point.name):
            if point.name in blocked:
                continue
            dist = point.dist
            origin = Origin(point.name, f"{dist.name} {dist.version}" if dist else "no distribution")
            try:
                module = point.load()
            except (Exception, SystemExit) as error:
                raise PluginError(
                    f"installed plugin {origin}, {point.value}",
                    found=f"fails to import: {type(error).__name__}: {error}",
                    expected="an importable module",
                    hint=f"{BLOCK}={point.name} runs tcmgc without it",
                ) from error
            self._add(module, origin)

    def load(self, target: str) -> None:
        """Load one plugin, given a path to a Python file or the name of a module."""
        path = Path(target)
        if path.suffix == ".py" or path.is_file() or os.sep in target:
            self.load_file(path)
            return
        origin = Origin(target, "module")
        if origin in self.registry.plugins:
            return
        try:
            module = importlib.import_module(target)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"plugin {target!r}",
                found=f"fails to import: {type(error).__name__}: {error}",
                expected="an importable module, or a path to a Python file",
            ) from error
        self._add(module, origin)

    def load_file(self, path: Path) -> None:
        """Load a plugin file under a private module name; loading it again changes nothing."""
        if not path.is_file():
            raise PluginError(
                f"plugin {str(path)!r}",
                found="a directory" if path.is_dir() else "no such file",
                expected="a Python file, or the name of a module",
            )
        origin = Origin(path.stem, str(path.resolve()))
        if origin in self.registry.plugins:
            return
        digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
        name = f"_tcmgc_plugin_{path.stem}_{digest}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise PluginError(f"plugin {str(path)!r}", found="no Python file", expected="a file *.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise PluginError(
                f"plugin {str(path)!r}",
                found=f"fails to import: {type(error).__name__}: {error}",
                expected="a file that imports",
            ) from error
        self._add(module, origin)

    def load_beside(self, directory: Path) -> Path | None:
        """Load ``tcmgc_local.py`` of a directory; return its path, None where there is none."""
        path = directory / LOCAL
        if not path.is_file():
            return None
        self.load_file(path)
        return path

    def runs_finished(self, directory: Path) -> None:
        """Tell every plugin that the runs of a directory are finished."""
        try:
            self._manager.hook.tcmgc_runs_finished(directory=directory)
        except TcmgcError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"a plugin's tcmgc_runs_finished, for {directory}",
                found=f"raises {type(error).__name__}: {error}",
                expected="a hook that returns",
                hint="the runs are safe; TCMGC_TRACEBACK=1 shows where",
            ) from error

    def _add(self, module: ModuleType, origin: Origin) -> None:
        """Register a plugin's hooks and call them; a plugin that fails leaves nothing behind."""
        name = f"{origin.plugin}@{origin.source}"
        before = self.registry.copy()
        try:
            self._manager.register(module, name=name)
            self._call(module, origin)
        except BaseException:
            self._manager.unregister(name=name)
            self.registry.restore(before)
            raise
        self.registry.plugins.append(origin)

    def _call(self, module: ModuleType, origin: Origin) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(
                f"plugin {origin}",
                found=str(error).replace("\n", " "),
                expected="only the hooks of tcmgc.hooks",
            ) from None
        if not self._manager.get_hookcallers(module):
            raise PluginError(
                f"plugin {origin}",
                found="no hook",
                expected="a function `tcmgc_register(register)` marked `@tcmgc.hookimpl`",
            )
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]
        call = self._manager.subset_hook_caller("tcmgc_register", others)
        try:
            call(register=Register(self.registry, origin))
        except TcmgcError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"plugin {origin}: tcmgc_register",
                found=f"raises {type(error).__name__}: {error}",
                expected="calls of register.<slot>(name, target)",
            ) from error
