"""Which source code a component's hash is over."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tcmgc.app import current_registry
from tcmgc.plugins import Plugins
from tcmgc.registry import Entry, Origin
from tcmgc.runs.sources import component_sha256, engine_sha256, imported_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {
    "pack/__init__.py": "",
    "pack/component.py": (
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING\n"
        "import json\n"
        "from .helper import help_out\n"
        "from pack import constants\n"
        "if TYPE_CHECKING:\n"
        "    from .only_types import Thing\n"
        "class Component:\n"
        "    def __call__(self):\n"
        "        from .late import late\n"
        "        return late\n"
    ),
    "pack/helper.py": "from . import deeper\nhelp_out = deeper\n",
    "pack/deeper.py": "VALUE = 1\n",
    "pack/constants.py": "",
    "pack/late.py": "late = 1\n",
    "pack/only_types.py": "class Thing: ...\n",
    "pack/unrelated.py": "",
}


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack"]:
        del sys.modules[name]


def entry(source: str = "pack 1.0") -> Entry:
    return Entry("view", "component", "pack.component:Component", Origin("pack", source))


def test_imports_are_followed_within_the_package(pack: Path) -> None:
    found = imported_modules(["pack.component"])
    assert sorted(found) == [
        "pack",
        "pack.component",
        "pack.constants",
        "pack.deeper",
        "pack.helper",
        "pack.late",
    ]
    assert found["pack.deeper"] == pack / "pack" / "deeper.py"


@pytest.mark.parametrize("name", ["component", "helper", "deeper", "constants", "late", "__init__"])
def test_an_edit_changes_the_hash(pack: Path, name: str) -> None:
    before = component_sha256(entry())
    assert component_sha256(entry()) == before
    path = pack / "pack" / f"{name}.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert component_sha256(entry()) != before


@pytest.mark.parametrize("name", ["only_types", "unrelated"])
def test_an_edit_elsewhere_does_not(pack: Path, name: str) -> None:
    before = component_sha256(entry())
    (pack / "pack" / f"{name}.py").write_text("import os\n")
    assert component_sha256(entry()) == before


def test_the_version_of_the_distribution_counts(pack: Path) -> None:
    assert component_sha256(entry("pack 1.0")) != component_sha256(entry("pack 1.1"))


def test_a_plugin_of_one_file(tmp_path: Path) -> None:
    text = (
        "from tcmgc import hookimpl\n\n\n"
        "class Twice:\n    def __call__(self, parts):\n        return parts.sum(-1)\n\n\n"
        "@hookimpl\ndef tcmgc_register(register):\n    register.aggregator('twice', Twice)\n"
    )
    hashes = []
    # Where the file lies does not matter; what is in it does.
    for folder, content in (("a", text), ("b", text), ("a", text + "# edited\n")):
        path = tmp_path / folder / "twice.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        plugins = Plugins()
        plugins.load(str(path))
        hashes.append(component_sha256(plugins.registry.find("aggregator", "twice")))
    assert hashes[0] == hashes[1] != hashes[2]


def test_targets_that_are_no_class(pack: Path) -> None:
    from pack.component import Component

    bound = Entry("view", "bound", partial(Component), Origin("pack", "pack 1.0"))
    assert imported_modules([bound.component.func.__module__])  # type: ignore[attr-defined]
    before = component_sha256(bound)
    (pack / "pack" / "deeper.py").write_text("VALUE = 2\n")
    assert component_sha256(bound) != before


@pytest.mark.parametrize(
    "found", list(current_registry().entries.values()), ids=lambda entry: f"{entry.slot}-{entry.name}"
)
def test_every_component_has_a_source(found: Entry) -> None:
    module = found.component.__module__
    assert module in imported_modules([module])
    assert len(component_sha256(found)) == 64


def test_the_engine_is_what_computes() -> None:
    root = Path(__file__).parents[2] / "core" / "tcmgc"
    digest = engine_sha256()
    assert digest == engine_sha256()
    program = "from tcmgc.runs.sources import engine_sha256; print(engine_sha256())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest, "the same in another process, that has imported less"
    from tcmgc.runs import sources

    members = [name for top in sources.ENGINE for name in sources._members(top)]
    found = imported_modules(members, sources.APART)
    for name in ("engine/train", "builder", "granular", "tiles", "visual", "ranking", "data/preprocess"):
        assert root / f"{name}.py" in found.values(), name
    for name in ("cli/main", "commands", "plugins", "recipes/load", "errors"):
        assert root / f"{name}.py" not in found.values(), name
