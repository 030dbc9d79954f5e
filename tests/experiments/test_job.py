"""What a run is, before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tcmgc.experiments.job import Job, make_job
from tcmgc.experiments.plan import plan_recipe
from tcmgc.experiments.run import run_plan
from tcmgc.experiments.session import Session
from tcmgc.plugins import Plugins
from tcmgc.source_hash import SourceChanged

if TYPE_CHECKING:
    from tcmgc.data.clip import Split, SplitName


def job(plugins: Plugins, folder: Path, *overrides: str) -> Job:
    plan = plan_recipe(
        plugins.registry, "clip4clip-meanp", protocol=folder / "tiny.yaml", overrides=overrides
    )
    return make_job(Session(plugins.registry, "cpu"), plan.rows[0], 0)


@pytest.mark.parametrize("edited", ["train", "val", "test"])
def test_the_content_of_every_split_counts(
    plugins: Plugins, folder: Path, edited: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, untrained = job(plugins, folder), job(plugins, folder, "trained=false")
    dataset: Any = plugins.registry.find("dataset", "tiny").component
    split_as_it_was = dataset.split

    def split(self: object, name: SplitName) -> Split:
        found: Split = split_as_it_was(self, name)
        if name != edited:
            return found
        return replace(found, captions=(replace(found.captions[0], text="c0 b0 a0"), *found.captions[1:]))

    monkeypatch.setattr(dataset, "split", split)
    after = job(plugins, folder)
    assert after.identity != before.identity
    # The fingerprint is of what is evaluated, and so is the identity of what is not trained.
    assert (after.fields == before.fields) is (edited != "test")
    assert (job(plugins, folder, "trained=false").identity == untrained.identity) is (edited != "test")


def test_which_splits_are_read(plugins: Plugins, folder: Path) -> None:
    for overrides, read in (
        ([], {"train", "val"}),
        (["trained=false"], set()),
        (["trained=false", "normalizer=sinkhorn"], {"train"}),
        (["trained=false", "normalizer=dual-softmax"], set()),
    ):
        assert job(plugins, folder, *overrides).parts["splits"].keys() == read


def test_what_the_encoder_computes_counts(
    plugins: Plugins, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = job(plugins, folder)
    encoder: Any = plugins.registry.find("encoder", "tiny").component

    class Other(encoder):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.version = "tiny 2"

    monkeypatch.setitem(vars(plugins.registry.find("encoder", "tiny")), "component", Other)
    after = job(plugins, folder)
    assert (before.parts["encoder"], after.parts["encoder"]) == ("tiny 1", "tiny 2")
    assert after.fields["encoder"] != before.fields["encoder"]


PLUGIN = """\
from tcmgc import hookimpl


class Middle:
    def __call__(self, parts):
        return parts.mean(dim=-1)


@hookimpl
def tcmgc_register(register):
    register.aggregator("middle", Middle)
"""


def test_an_edit_in_one_process_is_not_recorded_as_what_ran(plugins: Plugins, folder: Path) -> None:
    file = folder / "middle.py"
    file.write_text(PLUGIN)
    plugins.load_file(file)
    plan = plan_recipe(
        plugins.registry, "xclip", protocol=folder / "tiny.yaml", overrides=["aggregator=middle"]
    )
    first = run_plan(plugins, plan, folder / "out", device="cpu")
    record = first.finished[0].folder / "record.json"
    before = record.read_text()
    file.write_text(PLUGIN.replace("mean", "amax"))
    with pytest.raises(SourceChanged, match=r"middle\.py\n[\s\S]*start again"):
        run_plan(plugins, plan, folder / "out", device="cpu")
    assert record.read_text() == before
    again = Plugins()  # as another process
    again.load_installed()
    for path in (*(Path(__file__).parent / name for name in ("tiny_data.py", "tiny_encoder.py")), file):
        again.load_file(path)
    second = run_plan(again, plan, folder / "out", device="cpu")
    assert second.finished[0].record.identity != first.finished[0].record.identity
