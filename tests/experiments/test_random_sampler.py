"""A sampler that draws: training decodes its candidates, evaluation its frames; and what a data set says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tcmgc.experiments.plan import plan_recipe
from tcmgc.experiments.run import run_plan
from tcmgc.experiments.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.experiments.plan import Plan
    from tcmgc.plugins import Plugins


@pytest.fixture
def planned(plugins: Plugins, folder: Path) -> Plan:
    """Two of three frames: either of the first and the second stretch's."""
    text = (folder / "tiny.yaml").read_text()
    drawn = text.replace("sampler: every", "sampler: {name: segment, frames: 2, per_segment: 2}")
    (folder / "drawn.yaml").write_text(drawn)
    return plan_recipe(plugins.registry, "clip4clip-meanp", protocol=str(folder / "drawn.yaml"))


def test_only_training_has_the_candidates(plugins: Plugins, planned: Plan) -> None:
    session, recipe = Session(plugins.registry, "cpu"), planned.rows[0].recipe
    assert session.random_sampler(recipe) is session.parts(recipe).sampler
    assert session.frames(recipe, "train", to_train=True).pixels.shape[:2] == (12, 4)
    assert session.frames(recipe, "train", to_train=True).mask.sum(axis=1).tolist() == [3] * 12
    for name, clips in (("train", 12), ("val", 6), ("test", 8)):
        assert session.frames(recipe, name).pixels.shape[:2] == (clips, 2)  # type: ignore[arg-type]


def test_other_samplers_draw_nothing(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(plugins.registry, "clip4clip-meanp", protocol=str(folder / "tiny.yaml"))
    session, recipe = Session(plugins.registry, "cpu"), plan.rows[0].recipe
    assert session.random_sampler(recipe) is None
    frames = session.frames(recipe, "train")
    assert session.frames(recipe, "train", to_train=True) is frames


def test_the_same_seed_draws_the_same(plugins: Plugins, folder: Path, planned: Plan) -> None:
    losses = []
    for out in ("one", "two"):
        (run,) = run_plan(plugins, planned, folder / out, device="cpu").finished
        losses.append(
            [step["loss"] for step in json.loads((run.folder / "history.json").read_text())["steps"]]
        )
    assert losses[0] == losses[1]
    assert run.record.fingerprint_fields["sampler"] == "segment frames=2 per_segment=2"


def test_a_record_has_what_the_data_set_says(
    plugins: Plugins, folder: Path, planned: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = type(Session(plugins.registry, "cpu").parts(planned.rows[0].recipe).dataset)
    monkeypatch.setattr(dataset, "notes", ["val is cut from train"], raising=False)
    (run,) = run_plan(plugins, planned, folder / "out", device="cpu").finished
    assert run.record.notes == ("val is cut from train",)
