"""Which source code a component's hash is over."""

from __future__ import annotations

import importlib
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from source_edits import edit
from tcmgc import source_hash
from tcmgc.app import current_registry
from tcmgc.plugins import Plugins
from tcmgc.registry import Entry, Origin
from tcmgc.source_hash import (
    APART,
    ENGINE,
    SourceChanged,
    component_sha256,
    engine_sha256,
    imported_modules,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    forget()


def forget() -> None:
    """Import anew, as another process does."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack"]:
        del sys.modules[name]
    importlib.invalidate_caches()


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
    forget()
    assert component_sha256(entry()) != before


@pytest.mark.parametrize("name", ["only_types", "unrelated"])
def test_an_edit_elsewhere_does_not(pack: Path, name: str) -> None:
    before = component_sha256(entry())
    (pack / "pack" / f"{name}.py").write_text("import os\n")
    forget()
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
    forget()
    assert component_sha256(bound) != before


@pytest.mark.parametrize(
    "found", list(current_registry().entries.values()), ids=lambda entry: f"{entry.slot}-{entry.name}"
)
def test_every_component_has_a_source(found: Entry) -> None:
    module = found.component.__module__
    assert module in imported_modules([module])
    assert len(component_sha256(found)) == 64


def test_no_module_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those that are imported late, nor the packages that they lie in."""
    crash = "import os\nos.abort()\n"
    files = {
        "pack/__init__.py": "",
        "pack/component.py": "def f():\n    from pack.crashing.inner import value\n    import elsewhere.deep",
        "pack/crashing/__init__.py": crash,
        "pack/crashing/inner/__init__.py": crash + "from . import leaf\n",
        "pack/crashing/inner/leaf.py": crash,
        "pack/bare/leaf.py": crash,  # a namespace package
        "pack/extra.py": "from pack.bare import leaf\nfrom pack.bare.leaf import value\n",
        "elsewhere/__init__.py": crash,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert imported_modules(["pack.component"]) == {
        "pack": tmp_path / "pack/__init__.py",
        "pack.component": tmp_path / "pack/component.py",
        "pack.crashing": tmp_path / "pack/crashing/__init__.py",
        "pack.crashing.inner": tmp_path / "pack/crashing/inner/__init__.py",
        "pack.crashing.inner.leaf": tmp_path / "pack/crashing/inner/leaf.py",
    }
    assert set(imported_modules(["pack.extra"])) == {"pack", "pack.extra", "pack.bare.leaf"}
    assert imported_modules(["pack.absent", "absent.too"]) == {}
    assert not any(name.partition(".")[0] in ("pack", "elsewhere") for name in sys.modules)


def test_an_edit_after_the_import_is_an_error(pack: Path) -> None:
    found = entry()
    before = component_sha256(found)
    path = pack / "pack" / "helper.py"
    text = path.read_text()
    path.write_text(text + "# edited\n")
    with pytest.raises(SourceChanged, match="start again") as caught:
        component_sha256(found)
    assert str(path) in str(caught.value)
    path.write_text(text)
    assert component_sha256(found) == before
    path.write_text(text + "# edited\n")
    importlib.reload(sys.modules["pack.helper"])
    assert component_sha256(found) != before


def test_the_import_counts_rather_than_the_first_hash(pack: Path) -> None:
    found = entry()
    assert found.component
    (pack / "pack" / "component.py").write_text(FILES["pack/component.py"] + "# edited\n")
    with pytest.raises(SourceChanged):
        component_sha256(found)


def test_the_engine_is_what_computes() -> None:
    digest = engine_sha256()
    assert digest == engine_sha256()
    program = "from tcmgc.source_hash import engine_sha256; print(engine_sha256())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest, "the same in another process, that has imported less"
    found = {name.removeprefix("tcmgc.") for name in imported_modules(ENGINE)}
    computing = "engine.train engine.encode builder granular tiles visual ranking data.decode data.preprocess"
    choosing = "experiments.experiment experiments.session experiments.job experiments.evaluate"
    assert set(f"{computing} {choosing}".split()) <= found
    showing = "data.contact_sheet data.sheet_html data.sheet_png engine.progress experiments.listener"
    finding = "cli.main commands errors plugins recipes.load registry runs.record data.cache_folder"
    assert not set(f"{showing} {finding}".split()) & found
    assert all(source_hash._file(name) for name in (*ENGINE, *APART)), "each is there"


def test_what_components_import_of_core_is_in_some_hash_of_a_run() -> None:
    """Measured by importing each: whatever that loads of tcmgc, of which the hashes know nothing."""
    registry = current_registry()
    engine = imported_modules(ENGINE)
    for found in registry.entries.values():
        module = sys.modules[found.component.__module__]
        used = {
            getattr(value, "__module__", None) or getattr(value, "__name__", "")
            for name, value in vars(module).items()
            if not name.startswith("__")
        }
        own = imported_modules([module.__name__])
        core = {name for name in used if name.startswith("tcmgc.") and not source_hash._is_apart(name, APART)}
        assert core <= engine.keys() | own.keys(), found.label
    assert "tcmgc.poisson_binomial" in imported_modules(["tcmgc_plugins.metrics.median_rank"])
    assert "tcmgc.data.clip" in imported_modules(["tcmgc_plugins.datasets.storyshapes.dataset"])


def test_an_edit_of_core_reaches_those_that_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = current_registry()

    def hashes() -> dict[str, str]:
        found = {name: component_sha256(registry.find("metric", name)) for name in ("median-rank", "recall")}
        return found | {"engine": engine_sha256()}

    def changed(before: dict[str, str]) -> set[str]:
        return {name for name, digest in hashes().items() if digest != before[name]}

    first = hashes()
    edit("tcmgc.poisson_binomial", monkeypatch)
    assert changed(first) == {"median-rank"}
    second = hashes()
    edit("tcmgc.ranking", monkeypatch)
    assert changed(second) == {"engine"}, "said once"
    third = hashes()
    edit("tcmgc.data.sheet_html", monkeypatch)
    assert changed(third) == set()


def test_names_of_the_top_are_found_where_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lone.py").write_text("from tcmgc import Similarity, hookimpl\nfrom tcmgc import data\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert {"lone", "tcmgc.similarity", "tcmgc.data"} <= imported_modules(["lone"]).keys()
