"""Which source code a number depends on, as one hash a component.

A component's hash is over its module and the modules of the same top-level package that it imports,
directly or not. Imports are read off the source rather than executed, so that the hash says what a new
process would run, and works for a plugin of one file as for an installed package. Imports that only a
type checker sees do not count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc import __version__

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from tcmgc.registry import Entry

ENGINE = ("tcmgc.engine", "tcmgc.builder", "tcmgc.data", "tcmgc.experiments.evaluate")
"""What every run goes through; a package stands for all its modules."""

APART = frozenset({"tcmgc", "tcmgc.app", "tcmgc.errors", "tcmgc.plugins"})
"""What finds plugins and says mistakes: no number changes with it. The version is hashed besides."""


def component_sha256(entry: Entry) -> str:
    """Hash the source of a component and the version of its distribution.

    Parameters
    ----------
    entry
        The component; it is imported.
    """
    target = getattr(entry.component, "func", entry.component)  # a functools.partial
    module = getattr(target, "__module__", type(target).__module__)
    # The class, not its module: that of a file has the file's path in its name.
    return _sha256(f"{entry.location.rpartition(':')[2]} {_version(entry)}", [module])


def engine_sha256() -> str:
    """Hash the parts of tcmgc that every run goes through, and its version."""
    modules = [name for root in ENGINE for name in _members(root)]
    return _sha256(f"tcmgc {__version__}", modules, APART)


def imported_modules(modules: Iterable[str], apart: Container[str] = ()) -> dict[str, Path]:
    """Return modules and what they import of their own top-level packages, with their files.

    Parameters
    ----------
    modules
        By name.
    apart
        Modules that are left out, with what only they import.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name in apart or (path := _file(name)) is None:
            continue
        found[name] = path
        top = name.partition(".")[0]
        is_package = path.name == "__init__.py"
        waiting += [
            wanted
            for wanted in _imports(path, path.stat().st_mtime_ns, name, is_package)
            if wanted.partition(".")[0] == top
        ]
    return found


def _version(entry: Entry) -> str:
    """Return the distribution and its version; a file that was loaded by path has none."""
    return "" if Path(entry.origin.source).is_absolute() else entry.origin.source


def _sha256(title: str, modules: Iterable[str], apart: Container[str] = ()) -> str:
    digest = hashlib.sha256(title.encode())
    for name, path in sorted(imported_modules(modules, apart).items()):
        digest.update(f"\0{name if '.' in name else path.name}\0".encode())
        digest.update(_file_sha256(path, path.stat().st_mtime_ns))
    return digest.hexdigest()


@cache
def _file_sha256(path: Path, _modified: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _file(module: str) -> Path | None:
    """Return a module's source file; None for what is no module, or has no source."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
    else:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError, AttributeError):
            return None  # `from package import name` of something that is no module
        file = None if spec is None else spec.origin
    path = Path(file) if file else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def _members(root: str) -> Iterator[str]:
    yield root
    path = _file(root)
    if path is not None and path.name == "__init__.py":
        yield from (f"{root}.{module.stem}" for module in sorted(path.parent.glob("[!_]*.py")))


@cache
def _imports(path: Path, _modified: int, module: str, is_package: bool) -> tuple[str, ...]:
    """Name the modules that a file may import; some are names in a module rather than modules."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # its import would say so; the hash of its text is all there is
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
            names += [start, *(f"{start}.{alias.name}" for alias in node.names)]
    return tuple(dict.fromkeys(name for name in names if name))


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
