"""The registry, plugins and schemas."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
import torch
from click.testing import CliRunner
from pydantic import Field

import tcmgc
from tcmgc import ConfigError, Size, app
from tcmgc.app import current_registry
from tcmgc.cli.main import cli
from tcmgc.errors import PluginError
from tcmgc.registry import Entry, Origin
from tcmgc.schema import component_schema, describe_type, slot_fields
from tcmgc.slots import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRIES = sorted(current_registry().entries.values(), key=lambda entry: entry.label)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh_plugins() -> Iterator[None]:
    app.current_plugins.cache_clear()
    yield
    app.current_plugins.cache_clear()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.slot}-{entry.name}")
def test_every_registered_string_is_a_documented_component(entry: Entry) -> None:
    assert isinstance(entry.target, str)
    assert entry.component.__module__ == entry.target.partition(":")[0]
    assert entry.component.__doc__
    assert getattr(entry.component, "paper", "")
    documented = CliRunner().invoke(
        cli, ["plugins", "show", f"{entry.slot}/{entry.name}"], catch_exceptions=False
    )
    for parameter in entry.schema.model.model_fields:
        assert f"\n{parameter}" in (documented.stdout.replace("\n  ", "\n")), parameter
        assert any(
            f"    {parameter}" in line or f", {parameter}" in line
            for line in entry.component.__doc__.splitlines()
        )


class Lazy:
    """A data set whose version is read off files that are not there yet."""

    paper = "made for a test"

    @property
    def version(self) -> str:
        raise AssertionError("the version is read before it is needed")

    def prepare(self, progress: object = None) -> None: ...

    def split(self, name: str) -> None: ...


def test_a_component_is_checked_without_reading_its_properties() -> None:
    registry = current_registry().copy()
    origin = Origin("test", "test 1")
    registry.add(Entry("dataset", "lazy", Lazy, origin))
    registry.add(
        Entry("dataset", "half", type("Half", (), {"version": "1", "prepare": Lazy.prepare}), origin)
    )
    assert isinstance(registry.create("dataset", {"name": "lazy"}, {}), Lazy)
    with pytest.raises(PluginError, match="Half lacks a method"):
        registry.create("dataset", {"name": "half"}, {})


def strings(path: Path) -> set[str]:
    """Every string of a file that is no docstring."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = [
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {str(node.value) for node in constants if id(node) not in documentation}


def test_core_names_no_component() -> None:
    names = {entry.name for entry in ENTRIES} | set(current_registry().recipe_files) - {"tcmgc"}
    for path in (ROOT / "core").rglob("*.py"):
        said = strings(path)
        assert not said & names, path
        assert not any("tcmgc_plugins" in text for text in said), path


def test_listing_and_help_import_no_torch() -> None:
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom tcmgc.cli.main import cli\n"
        "from tcmgc.app import current_registry\n"
        "assert current_registry().create_all('metric')\n"
        "for arguments in (['--help'], ['plugins', 'list'], ['recipe', 'list'], ['score', '--help']):\n"
        "    assert CliRunner().invoke(cli, arguments).exit_code == 0, arguments\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_list_as_json() -> None:
    listed = json.loads(CliRunner().invoke(cli, ["plugins", "list", "--json"]).stdout)["components"]
    assert {(row["slot"], row["name"]) for row in listed} == set(current_registry().entries)
    only = json.loads(CliRunner().invoke(cli, ["plugins", "list", "--json", "--slot", "view"]).stdout)[
        "components"
    ]
    assert {row["slot"] for row in only} == {"view"}


def test_every_slot_has_a_register_method() -> None:
    assert all(callable(getattr(tcmgc.Register, slot)) for slot in SLOTS)


class Chosen:
    """A component."""

    def __init__(
        self,
        *,
        rate: Annotated[float, Field(gt=0, le=1)],
        kind: Literal["a", "b"] = "a",
        count: Annotated[int, Field(ge=1)] | None = None,
        dim: Size,
    ) -> None:
        self.given = rate, kind, count, dim


def test_schema_is_the_signature() -> None:
    schema = component_schema(Chosen, "thing 'chosen'")
    fields = schema.model.model_fields
    assert list(fields) == ["rate", "kind", "count"]
    assert schema.injected == ("dim",)
    said = {name: describe_type(info.annotation, info.metadata) for name, info in fields.items()}
    assert said == {"rate": "float in (0, 1]", "kind": "'a' | 'b'", "count": "int >= 1 or null"}


NESTING = '''
from tcmgc import hookimpl
from tcmgc.slots.reorganizer import Reorganizer


class Chain:
    """Two reorganizers, one after the other."""

    def __init__(self, *, first: Reorganizer, then: Reorganizer | None = None) -> None:
        self.steps = [step for step in (first, then) if step is not None]

    def lengths(self, text_length: int, video_length: int) -> tuple[int, int]:
        for step in self.steps:
            text_length, video_length = step.lengths(text_length, video_length)
        return text_length, video_length

    def __call__(self, similarity):
        for step in self.steps:
            similarity = step(similarity)
        return similarity


@hookimpl
def tcmgc_register(register):
    register.reorganizer("chain", Chain)
'''


@pytest.mark.usefixtures("fresh_plugins")
def test_nested_components(tmp_path: Path) -> None:
    (tmp_path / "chain.py").write_text(NESTING)
    app.current_plugins().load(str(tmp_path / "chain.py"))
    assert slot_fields(current_registry().find("reorganizer", "chain").schema.model) == {
        "first": "reorganizer",
        "then": "reorganizer",
    }
    path = "granularities.video-word.reorganizer"
    sizes = tcmgc.Sizes(dim=8, max_words=10, max_frames=4)
    model = tcmgc.build(
        "tcmgc", sizes, overrides={path: {"name": "chain", "first": {"name": "prune", "keep_rate": 0.5}}}
    )
    assert model.scorer.granularities["video-word"].interaction.matrix.shape == (5, 5)
    with pytest.raises(ConfigError, match=r"video-word\.reorganizer\.first\.keep_rate"):
        tcmgc.build(
            "tcmgc", sizes, overrides={path: {"name": "chain", "first": {"name": "prune", "keep_rate": 5}}}
        )
    with pytest.raises(ConfigError, match="no 'first'"):
        tcmgc.build("tcmgc", sizes, overrides={path: "chain"})


TRIMMED = '''
from tcmgc import hookimpl


class TrimmedMean:
    """The mean without the smallest and the largest part."""

    def __call__(self, parts):
        return parts.sort(dim=-1).values[..., 1:-1].mean(dim=-1)


@hookimpl
def tcmgc_register(register):
    register.aggregator("trimmed-mean", TrimmedMean)
'''


@pytest.mark.usefixtures("fresh_plugins")
@pytest.mark.parametrize("how", ["file", "module", "beside the recipe", "in the working directory"])
def test_a_plugin_is_used_by_name(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "tcmgc_local.py" if "the" in how else "trimmed_plugin.py"
    (tmp_path / name).write_text(TRIMMED)
    recipe: str | Path = "xclip"
    if how == "beside the recipe":
        recipe = tmp_path / "mine.yaml"
        recipe.write_text("base: xclip\n")
    elif how == "in the working directory":
        monkeypatch.chdir(tmp_path)
    elif how == "module":
        monkeypatch.syspath_prepend(tmp_path)
        app.current_plugins().load("trimmed_plugin")
    else:
        app.current_plugins().load(str(tmp_path / name))
        app.current_plugins().load(str(tmp_path / name))  # again: nothing happens
    sizes = tcmgc.Sizes(dim=8, max_words=3, max_frames=4)
    model = tcmgc.build(recipe, sizes, overrides={"aggregator": "trimmed-mean"})
    parts = torch.tensor([[[1.0, 9.0, 2.0, 4.0]]])
    assert model.scorer.aggregator(parts).item() == 3.0


@pytest.mark.usefixtures("fresh_plugins")
def test_blocked_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCMGC_BLOCK_PLUGINS", "components")
    assert current_registry().names("view") == []


def test_unknown_slot() -> None:
    with pytest.raises(ConfigError, match="did you mean 'view'"):
        current_registry().find("views", "mean")
    assert str(Origin("a", "b 1.0")) == "a (b 1.0)"


def test_contract_of_every_component_without_parameters() -> None:
    """What can be made without sizes satisfies its slot's runtime contract."""
    from importlib import import_module

    registry = current_registry()
    for slot in ("view", "aggregator", "loss", "normalizer", "metric"):
        module, _, name = SLOTS[slot].partition(":")
        contract = getattr(import_module(module), name)
        for component_name in registry.names(slot):
            entry = registry.find(slot, component_name)
            sizes = dict.fromkeys(entry.schema.injected, 4)
            component = registry.create(slot, {"name": component_name}, sizes)
            if getattr(contract, "_is_runtime_protocol", False):
                assert isinstance(component, contract), component_name
