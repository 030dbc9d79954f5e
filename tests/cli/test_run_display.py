"""What `tcmgc run` says at a terminal and away from one, and its wrong options."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from tcmgc.cli import run_display
from tcmgc.cli.main import main
from tcmgc.cli.run_display import RunDisplay
from tcmgc.experiments.listener import RunName, RunProgress

FIRST, SECOND = RunName(1, 3, "xpool", 0), RunName(2, 3, "tcmgc", 0)
LAST = RunName(3, 3, "tcmgc", 1)


def finished(r1: float) -> Any:
    side = SimpleNamespace(values={"r1": r1})
    return SimpleNamespace(record=SimpleNamespace(metrics={"t2v": side, "v2t": side}))


def story(console: Console) -> None:
    with RunDisplay(console) as display:
        for done in (1, 2):
            display.preparing("decoding the train split", "clips", done, 2)
        display.waits(Path("frames/ab.lock"))
        display.prepared()
        display.planned([3.0, 3.0])
        display.reused(FIRST, finished(30.0))
        display.started(SECOND, ["the source of the aggregator lsa changed"])
        display.advanced(SECOND, RunProgress(0.2, "training", 1, 2, 1.25))
        for _ in range(2):
            display.advanced(SECOND, RunProgress(0.45, "training", 1, 2, 1.0, 41.0))
        display._bars.refresh()  # drawn ten times a second, which this is faster than
        display.finished(SECOND, finished(42.5))
        display.started(LAST, [])
        display.failed(LAST, RuntimeError("out of luck"))


def test_lines_away_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_display, "time", SimpleNamespace(monotonic=lambda: 5.0))
    out = io.StringIO()
    story(Console(file=out, force_terminal=False, width=80))
    lines = out.getvalue().splitlines()
    assert lines[0] == "decoding the train split: 2 clips"
    assert lines.pop(1) == (
        "note: another process decodes the same clips, and is waited for; it holds frames/ab.lock"
    )
    assert lines[1] == "run 1 of 3, xpool, seed 0: t2v R@1 30.0, v2t R@1 30.0, finished before"
    assert (
        lines[2] == "run 2 of 3, tcmgc, seed 0: computed again, as the source of the aggregator lsa changed"
    )
    assert lines[3].startswith(
        "run 2 of 3, tcmgc, seed 0, training, epoch 1/2, loss 1.000, validation 41.0, 0 s"
    )
    assert lines[4] == "run 2 of 3, tcmgc, seed 0: t2v R@1 42.5, v2t R@1 42.5, 0 s"
    assert lines[5:] == ["error: run 3 of 3, tcmgc, seed 1 failed", "RuntimeError: out of luck"]


@pytest.mark.parametrize("terminal", [False, True])
def test_one_display_of_two_plans(terminal: bool) -> None:
    """As ``tcmgc calibrate`` has it."""
    out = io.StringIO()
    with RunDisplay(Console(file=out, force_terminal=terminal, width=80)) as display:
        for r1 in (10.0, 20.0):
            display.planned([2.0])
            display.started(FIRST, [])
            display.advanced(FIRST, RunProgress(0.5, "training", 1, 2, 1.0))
            display.finished(FIRST, finished(r1))
    assert "R@1 10.0" in out.getvalue()
    assert "R@1 20.0" in out.getvalue()


def test_a_bar_at_a_terminal() -> None:
    out = io.StringIO()
    story(Console(file=out, force_terminal=True, width=120))
    said = out.getvalue()
    assert "training, epoch 1/2, loss 1.000" in said
    assert "left" in said
    assert "%" in said
    # Epochs move the bar and are no lines; runs are.
    assert "validation" not in said
    assert "run 2 of 3, tcmgc, seed 0: t2v R@1 42.5" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no recipe and no suite"),
        (["xpool"], "--out DIR"),
        (["xpool", "--out", "out", "--seeds", "0,0"], "distinct whole numbers"),
        (["xpool", "--out", "out", "--seeds", "01,1"], "distinct whole numbers"),
        (["xpool", "--out", "out", "--seeds", "a"], "distinct whole numbers"),
        (["xpol", "--out", "out"], "did you mean 'xpool'"),
        (["missing.yaml", "--out", "out"], "missing.yaml"),
        (["xpool", "--out", "file"], "a file"),
        (["xpool", "--out", "file/below"], "is a file"),
        (["xpool", "--out", "out", "--protocol", "storyshape"], "did you mean 'storyshapes'"),
        (["xpool", "--out", "out", "--device", "cuda:99"], "cuda"),
        (["xpool", "--out", "out", "training.epoch=1"], "did you mean 'epochs'"),
    ],
)
def test_wrong_options(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    with pytest.raises(SystemExit) as caught:
        main(["run", *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("out/runs/*-seed*"))
