"""Runs the code of README.md and of docs/: one test a page.

The blocks of a page run in order in one temporary directory that holds copies of `examples/` and
`tests/golden/`, as the root of a clone does:

- ``bash`` by bash, which stops at the first command that fails;
- ``python`` in one namespace;
- ``python``, ``yaml`` or ``toml`` that begins with a comment naming a file, ``# my_recipe.yaml``, is
  written to that file instead;
- ``text`` is what the block before it printed: its lines must occur in that output, and ``...`` stands
  for lines left out.

Other blocks are not looked at. ``<!-- skip: next -->`` skips one.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import SkipTest

import pytest
from hypothesis import HealthCheck, settings
from sybil import Document
from sybil.evaluators.python import PythonEvaluator
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from tcmgc.app import current_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sybil import Example

# Machines of CI are slow at times, and a failure must come back: no deadline, no limit of the time that
# examples take to draw, no random seed.
settings.register_profile(
    "tcmgc", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tcmgc")

ROOT = Path(__file__).parent
NAMED_FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml|toml))\n")


CACHE = "TCMGC_CACHE"


def pytest_configure(config: pytest.Config) -> None:
    """Give all workers one cache folder that is not the user's, so that data are made once."""
    if not hasattr(config, "workerinput") and CACHE not in os.environ:
        os.environ[CACHE] = tempfile.mkdtemp(prefix="tcmgc-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(CACHE), ignore_errors=True))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect README.md and every page of docs/."""
    is_page = file_path == ROOT / "README.md" or ROOT / "docs" in file_path.parents
    if file_path.suffix == ".md" and is_page:
        return PageFile.from_parent(parent, path=file_path)
    return None


class PageFile(pytest.File):
    """A page of documentation."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item, if the page has code."""
        if list(parse(self.path)):
            yield PageItem.from_parent(self, name="code")


class PageItem(pytest.Item):
    """All code of a page, in order: later blocks use what earlier ones wrote."""

    def runtest(self) -> None:
        """Run it in a directory of its own, with plugins of its own."""
        folder = self.config._tmp_path_factory.mktemp(self.path.stem)  # type: ignore[attr-defined]
        shutil.copytree(ROOT / "examples", folder / "examples")
        shutil.copytree(ROOT / "tests" / "golden", folder / "tests" / "golden")
        current_plugins.cache_clear()
        try:
            with contextlib.chdir(folder):
                for example in parse(self.path):
                    with contextlib.suppress(SkipTest):
                        example.evaluate()
        finally:
            current_plugins.cache_clear()

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the page."""
        return self.path, 0, str(self.path.relative_to(ROOT))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Say what a block printed rather than how it was run; a traceback for errors in Python."""
        if isinstance(excinfo.value, SybilFailure):
            return str(excinfo.value)
        return str(excinfo.getrepr(style="long"))


def parse(path: Path) -> Document:
    """Find the blocks of a page."""
    runners = {
        "bash": run_bash,
        "python": run_python,
        "yaml": write_file,
        "toml": write_file,
        "text": compare,
    }
    blocks = [CodeBlockParser(language, runner) for language, runner in runners.items()]
    return Document.parse(str(path), SkipParser(), *blocks)


def run_bash(example: Example) -> str | None:
    """Run a block by bash, with this interpreter's commands first on the path; ``tcmgc`` forks."""
    import tcmgc_commands  # noqa: PLC0415  # in tests/, which is on the path by now

    forks = [str(tcmgc_commands.folder())] if tcmgc_commands.FORKS else []
    path = os.pathsep.join([*forks, str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", str(example.parsed)],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    example.document.namespace["_printed"] = done.stdout
    return f"exit status {done.returncode}\n{done.stdout}" if done.returncode else None


def run_python(example: Example) -> str | None:
    """Run a block in the page's namespace, or write the file that it names."""
    if NAMED_FILE.match(example.parsed):
        return write_file(example)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        PythonEvaluator()(example)
    example.namespace["_printed"] = printed.getvalue()
    return None


def write_file(example: Example) -> None:
    """Write the file that a block names in its first line."""
    if named := NAMED_FILE.match(example.parsed):
        path = Path(named[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed, encoding="utf-8")


def compare(example: Example) -> str | None:
    """Look for the lines of a block in what the block before it printed; spacing is free."""
    printed = example.namespace.get("_printed")
    if printed is None:
        return "a `text` block without a block before it that printed something"
    found = [" ".join(line.split()) for line in printed.splitlines()]
    for line in example.parsed.splitlines():
        wanted = " ".join(line.split())
        if wanted and wanted != "..." and wanted not in found:
            return f"not printed: {wanted}\nprinted:\n{printed}"
    return None
