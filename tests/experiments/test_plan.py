"""Rows, labels, and which override reaches which row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tcmgc import ConfigError
from tcmgc.experiments.plan import Plan, plan_recipe, plan_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.plugins import Plugins

ROWS = """\
title: Methods
protocol: tiny.yaml
rows:
  - clip4clip-meanp
  - xclip
  - tcmgc
  - {recipe: tcmgc, variant: text-free}
  - {recipe: tcmgc, label: sparse, set: [granularities.*.reorganizer.keep_rate=0.5]}
comparisons:
  - {title: Text-conditioning, row: tcmgc, against: tcmgc text-free}
"""


@pytest.fixture
def suite(folder: Path, plugins: Plugins) -> Any:
    def plan(*overrides: str, rows: str = ROWS, **options: Any) -> Plan:
        (folder / "suite.yaml").write_text(rows)
        return plan_suite(plugins.registry, folder / "suite.yaml", overrides=overrides, **options)

    return plan


@pytest.mark.parametrize(
    "seeds", [(), [-1], [0, 0], [0, True], [0.5], "01", None.__class__, 1.0, -1, [2**63], [[0]]]
)
def test_seeds_that_are_none(plugins: Plugins, folder: Path, suite: Any, seeds: Any) -> None:
    expected = r"seeds\n  found: .*\n  expected: distinct whole numbers from 0"
    with pytest.raises(ConfigError, match=expected):
        plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml", seeds=seeds)
    with pytest.raises(ConfigError, match=expected):
        suite(seeds=seeds)


@pytest.mark.parametrize("seeds", [7, [7], (7,), np.array([7]), range(7, 8), iter([7])])
def test_one_seed_and_any_list_of_them(plugins: Plugins, folder: Path, seeds: Any) -> None:
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml", seeds=seeds)
    assert plan.seeds == (7,)
    assert type(plan.seeds[0]) is int


def labels(plan: Plan) -> list[str]:
    return [row.label for row in plan.rows]


def test_labels_without_overrides(suite: Any) -> None:
    plan = suite()
    assert labels(plan) == ["clip4clip-meanp", "xclip", "tcmgc", "tcmgc text-free", "sparse"]
    assert (plan.name, plan.title, plan.seeds) == ("suite", "Methods", (0,))
    assert plan.rows[4].overrides == ("granularities.*.reorganizer.keep_rate=0.5",)
    assert {row.recipe.protocol for row in plan.rows} == {"tiny"}
    assert {row.recipe.config["training"]["epochs"] for row in plan.rows} == {2}


def test_an_override_reaches_the_rows_that_it_changes(suite: Any) -> None:
    plan, plain = suite("aggregator=mean"), suite()
    # One granularity and no aggregator; a mean already; and three that change.
    assert labels(plan) == [
        "clip4clip-meanp",
        "xclip",
        "tcmgc aggregator=mean",
        "tcmgc text-free aggregator=mean",
        "sparse aggregator=mean",
    ]
    same = [a.recipe.digest == b.recipe.digest for a, b in zip(plan.rows, plain.rows, strict=True)]
    assert same == [True, True, False, False, False]
    assert [row.overrides for row in plan.rows[:3]] == [(), (), ("aggregator=mean",)]
    (comparison,) = plan.comparisons
    assert (comparison.row, comparison.against) == (
        "tcmgc aggregator=mean",
        "tcmgc text-free aggregator=mean",
    )


def test_a_wildcard_reaches_the_rows_where_it_matches(suite: Any) -> None:
    override = "granularities.*.reorganizer.temperature=2"
    with pytest.raises(ConfigError, match="which no row of the suite has"):
        suite(override)
    override = "views.*.dropout=0.1"
    assert labels(suite(override)) == [
        "clip4clip-meanp",
        "xclip",
        f"tcmgc {override}",
        "tcmgc text-free",
        f"sparse {override}",
    ]


def test_an_override_that_makes_two_rows_one_leaves_one(suite: Any) -> None:
    plan = suite("granularities.*.reorganizer.keep_rate=0.5")
    assert labels(plan)[2:] == ["tcmgc text-free granularities.*.reorganizer.keep_rate=0.5", "sparse"]
    (comparison,) = plan.comparisons
    assert comparison.row == "sparse"
    # Reached both, which are then the same.
    override = "granularities.*.reorganizer.keep_rate=0.3"
    assert labels(suite(override))[2:] == [f"tcmgc {override}", f"tcmgc text-free {override}"]


@pytest.mark.parametrize("override", ["training.epochs=7", "dataset.shade=2", "encoder.freeze=all"])
def test_an_override_of_the_protocol_reaches_every_row_and_no_label(suite: Any, override: str) -> None:
    plan = suite(override)
    assert labels(plan) == labels(suite())
    section, key = override.partition("=")[0].split(".")
    assert len({row.recipe.config[section][key] for row in plan.rows}) == 1
    assert all(override in row.overrides for row in plan.rows)


def test_several_overrides_in_order(suite: Any) -> None:
    assert labels(suite("losses.sdr=null", "losses.infonce=2"))[:3] == [
        "clip4clip-meanp losses.infonce=2",
        "xclip losses.infonce=2",
        "tcmgc losses.sdr=null losses.infonce=2",
    ]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("granularities.video-word.reorganizer.rate=1", "which no row of the suite has"),
        ("normalizer.iterations=3", "which no row of the suite has"),
        ("losses.infonce=1", "changes no row"),
        ("aggregator=meen", "did you mean 'mean'"),
        ("granularities.*.reorganizer.keep_rate=2", r"float in \(0, 1\]"),
        ("training.epochs=0", "int >= 1"),
        ("protocol=tiny", "--protocol"),
        ("aggregator", "dotted.path=value"),
    ],
)
def test_one_error(suite: Any, override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        suite(override)
    assert override in str(caught.value)


def test_protocol_and_seeds_may_be_replaced(suite: Any, folder: Path) -> None:
    (folder / "other.yaml").write_text((folder / "tiny.yaml").read_text().replace("epochs: 2", "epochs: 9"))
    plan = suite(protocol=folder / "other.yaml", seeds=(4, 5))
    assert plan.seeds == (4, 5)
    assert {row.recipe.config["training"]["epochs"] for row in plan.rows} == {9}
    assert {row.recipe.protocol for row in plan.rows} == {"other"}


def test_a_recipe_is_a_row(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(
        plugins.registry,
        "tcmgc",
        variant="corrected",
        protocol=folder / "tiny.yaml",
        overrides=["aggregator=mean", "training.epochs=3", "normalizer=null"],
        seeds=(2,),
    )
    # For one recipe an override always applies, whether it changes something or not.
    assert labels(plan) == ["tcmgc corrected aggregator=mean normalizer=null"]
    assert plan.rows[0].recipe.config["training"]["epochs"] == 3
    assert (plan.name, plan.title, plan.seeds) == (None, plan.rows[0].label, (2,))


def test_a_recipe_names_its_protocol(plugins: Plugins, folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "base.yaml").write_text("base: xpool\nprotocol: ../tiny.yaml\n")
    (folder / "mine.yaml").write_text("base: inner/base.yaml\nsummary: mine\n")
    plan = plan_recipe(plugins.registry, folder / "mine.yaml")
    assert plan.rows[0].recipe.protocol == "tiny"
    assert plan.rows[0].recipe.config["dataset"]["name"] == "tiny"
    assert plan.rows[0].recipe.config["protocol"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows: []", "at least one recipe"),
        ("title: x", "at least one recipe"),
        ("rows: [xpol]", r"suite.yaml:1: recipe[\s\S]*did you mean 'xpool'"),
        ("rows: [xpool]\nseed: [1]", r"suite.yaml:2: seed[\s\S]*did you mean 'seeds'"),
        ("rows: [xpool]\nseeds: [0, 0]", "a seed twice"),
        ("rows: [xpool]\nseeds: [a]", "whole numbers"),
        ("rows: [xpool]\nseeds: 3", "a list of whole numbers"),
        ("rows: [xpool]\nschema_version: 2", "expected: 1"),
        ("rows: [{recipe: xpool, labell: a}]", "did you mean 'label'"),
        ("rows: [{label: a}]", "no 'recipe'"),
        ("rows: [[xpool]]", "a list of 1"),
        ("rows: [{recipe: xpool, set: aggregator=mean}]", "a list of dotted.path=value"),
        ("rows: [{recipe: xpool, set: [3]}]", r"rows.0.set[\s\S]*dotted.path=value"),
        ("rows: [{recipe: xpool, variant: correctd}]", "did you mean 'corrected'"),
        ("rows: [xpool, xpool]", "the row 'xpool', as at"),
        ("rows: [xpool, {recipe: xpool, label: again}]", "the same model as 'xpool'"),
        ("rows: [xpool]\nprotocol: tinny", r"suite.yaml:2: protocol[\s\S]*unknown protocol"),
        ("rows: [xpool]\nset: [aggregatr.x=1]", r"suite.yaml:2, set:[\s\S]*did you mean 'aggregator'"),
        ("rows: [xpool]\ncomparisons: [{title: A, row: xpool, against: xclip}]", "unknown row 'xclip'"),
        ("rows: [xpool]\ncomparisons: [{row: xpool, against: xpool}]", "no 'title'"),
        ("rows: [xpool]\ncomparisons: [xpool]", "a mapping with title"),
    ],
)
def test_a_wrong_suite(suite: Any, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        suite(rows=text)
    assert "suite.yaml" in str(caught.value)
