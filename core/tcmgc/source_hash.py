"""Which source code a number depends on, as hashes of files.

A hash is over modules and what they import, directly or not, of their own top-level package and of tcmgc.
Imports are read off the source rather than executed, so that the hash says what a new process would run,
works for a plugin of one file as for an installed package, and crashes for no module that only some
machines can import. Imports that only a type checker sees do not count.

A process runs what it imported, whatever lies in the file by now: the hash of a module's file is remembered
when the module is first seen, and a file that differs later is an error (`SourceChanged`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc import _HOMES, __version__

from .errors import TcmgcError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from tcmgc.registry import Entry

CORE = "tcmgc"

ENGINE = ("tcmgc.experiments.experiment", "tcmgc.experiments.session")
"""What every run goes through, with all that it imports of tcmgc but for `APART`."""

APART = frozenset(
    {
        # Where components are found, and how mistakes are said.
        "tcmgc",
        "tcmgc.app",
        "tcmgc.errors",
        "tcmgc.hooks",
        "tcmgc.plugins",
        "tcmgc.register",
        "tcmgc.registry",
        # What comes of a recipe is in the identity itself, as the config's digest.
        "tcmgc.recipes",
        # How results and caches are named and stored.
        "tcmgc.runs",
        "tcmgc.source_hash",
        "tcmgc.data.cache_folder",
        # What is shown meanwhile, and what it costs.
        "tcmgc.cost",
        "tcmgc.engine.peak_memory",
        "tcmgc.engine.progress",
        "tcmgc.experiments.listener",
        "tcmgc.experiments.measured_cost",
    }
)
"""Parts of tcmgc with which no number changes; a package but ``tcmgc`` itself stands for all its modules."""


class SourceChanged(TcmgcError):  # noqa: N818  # what happened is what it is called
    """A module's file is not any more what this process imported."""


def component_sha256(entry: Entry) -> str:
    """Hash the source of a component and the version of its distribution.

    What it imports of the engine is left out: that is in the engine's hash.

    Parameters
    ----------
    entry
        The component; it is imported.
    """
    target = getattr(entry.component, "func", entry.component)  # a functools.partial
    module = getattr(target, "__module__", type(target).__module__)
    # The class, not its module: that of a file has the file's path in its name.
    title = f"{entry.location.rpartition(':')[2]} {_version(entry)}"
    return source_sha256(module, title=title, without=imported_modules(ENGINE))


def engine_sha256() -> str:
    """Hash the parts of tcmgc that every run goes through, and its version."""
    return source_sha256(*ENGINE, title=f"{CORE} {__version__}")


def source_sha256(
    *modules: str, title: str = "", apart: Container[str] = APART, without: Container[str] = ()
) -> str:
    """Hash the source of modules and of what they import.

    Parameters
    ----------
    modules
        By name.
    title
        Is hashed besides.
    apart
        See `imported_modules`.
    without
        Modules that are left out, but not what they import.

    Raises
    ------
    SourceChanged
        When a file changed since this process imported it.
    """
    digest = hashlib.sha256(title.encode())
    for name, path in sorted(imported_modules(modules, apart).items()):
        if name in without:
            continue
        content = _file_sha256(path, _stamp(path))
        if _imported_sha256(name, content) != content:
            raise SourceChanged(
                f"source {path}",
                found=f"another text than when this process imported {name}",
                expected="the code that runs",
                hint="start again: a new process imports what is there now",
            )
        digest.update(f"\0{name if '.' in name else path.name}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def imported_modules(modules: Iterable[str], apart: Container[str] = APART) -> dict[str, Path]:
    """Return modules and what they import of their own packages and of tcmgc, with their files.

    Parameters
    ----------
    modules
        By name.
    apart
        Modules and packages that are left out, with what only they import.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or _is_apart(name, apart) or (path := _file(name)) is None:
            continue
        found[name] = path
        tops = {name.partition(".")[0], CORE}
        wanted = _imports(path, _stamp(path), name, path.name == "__init__.py")
        waiting += [other for other in wanted if other.partition(".")[0] in tops]
    return found


def remember_imported(*packages: str) -> None:
    """Remember the files of what is imported of some top-level packages, unless that was done before."""
    for name in list(sys.modules):
        if name.partition(".")[0] in packages and (path := _file(name)) is not None:
            _imported_sha256(name, _file_sha256(path, _stamp(path)))


_remembered: dict[str, tuple[object, bytes]] = {}
"""By module: what its import made, and the hash of its file when it was first seen."""


def _imported_sha256(name: str, content: bytes) -> bytes:
    """Return the hash of a module's file as it was imported; ``content`` where it is first seen now."""
    module = sys.modules.get(name)
    if module is None:
        return content
    imported = module.__spec__ or module  # an import makes a new one, and so does a reload
    if name not in _remembered or _remembered[name][0] is not imported:
        _remembered[name] = imported, content
    return _remembered[name][1]


def _is_apart(name: str, apart: Container[str]) -> bool:
    if name in apart:
        return True
    parts = name.split(".")
    return any(".".join(parts[:count]) in apart for count in range(2, len(parts)))


def _version(entry: Entry) -> str:
    """Return the distribution and its version; a file that was loaded by path has none."""
    return "" if Path(entry.origin.source).is_absolute() else entry.origin.source


Stamp = tuple[int, int, int]


def _stamp(path: Path) -> Stamp:
    """Return what changes when a file is written."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


@cache
def _file_sha256(path: Path, _stamp: Stamp) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _file(module: str) -> Path | None:
    """Return a module's source file; None for what is no module, or has no source.

    Nothing is imported: only the file of a top-level package is asked for, what is below it is looked for.
    """
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _python_file(getattr(loaded, "__file__", None))
    parent, _, name = module.rpartition(".")
    if not parent:
        return _python_file(_top_level(module)[0])
    for folder in _folders(parent):
        for candidate in (os.path.join(folder, name, "__init__.py"), os.path.join(folder, f"{name}.py")):  # noqa: PTH118
            if (path := _python_file(candidate)) is not None:
                return path
    return None


def _python_file(file: str | None) -> Path | None:
    return Path(file) if file and file.endswith(".py") and os.path.isfile(file) else None  # noqa: PTH113


def _folders(package: str) -> list[str]:
    """Return where the modules of a package lie; nowhere for what is no package."""
    loaded = sys.modules.get(package)
    if loaded is not None:
        return list(getattr(loaded, "__path__", ()))
    parent, _, name = package.rpartition(".")
    if not parent:
        return _top_level(package)[1]
    folders = (os.path.join(folder, name) for folder in _folders(parent))  # noqa: PTH118
    return [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112


def _top_level(name: str) -> tuple[str | None, list[str]]:
    """Find a top-level module's file and folders without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    return (None, []) if spec is None else (spec.origin, list(spec.submodule_search_locations or ()))


@cache
def _imports(path: Path, _stamp: Stamp, module: str, is_package: bool) -> tuple[str, ...]:
    """Name the modules that a file may import; some are names in a module rather than modules."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # its import would say so; the hash of its text is all there is
        return ()
    parts = module.split(".")
    package = parts if is_package else parts[:-1]
    names: list[str] = [".".join(parts[:count]) for count in range(1, len(parts))]
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - (node.level - 1)] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            names += [start, *(_home(start, alias.name) for alias in node.names)]
    return tuple(dict.fromkeys(name for name in names if name))


def _home(module: str, name: str) -> str:
    """Name what ``from module import name`` may import; tcmgc's own names stand in other modules."""
    return f"{module}.{_HOMES.get(name, name) if module == CORE else name}"


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the branches of ``if TYPE_CHECKING:``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield from _walk(other)
        else:
            yield from _walk(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"
