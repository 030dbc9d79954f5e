"""``tcmgc data mock`` and ``tcmgc data links``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tcmgc.app import current_registry
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    main(["data", *map(str, arguments)])
    return capsys.readouterr().out


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["data", *map(str, arguments)])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("error: ") == 1
    assert "Traceback" not in said
    return said


def test_mock_then_prepare(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    root = tmp_path / "vatex"
    said = run(capsys, "mock", "vatex", "--videos", 16, "--root", root)
    assert said.startswith(f"{root}: a miniature of vatex, 16 videos; ")
    said = run(capsys, "prepare", "vatex", f"root={root}")
    assert "vatex: version miniature" in said
    assert str(root / "VATEX_Videos") in said
    assert "root" in fails(capsys, "mock", "vatex")
    assert "files in it" in fails(capsys, "mock", "vatex", "--root", root)


def test_mock_takes_true_captions_and_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(capsys, "mock", "vatex", "--videos", 40, "--root", tmp_path / "a")
    given = ["own_lists=true", "captions_a_clip=3", "--annotations", tmp_path / "a"]
    run(capsys, "mock", "vatex", *given, "--videos", 12, "--root", tmp_path / "b")
    large, small = (json.loads((tmp_path / name / "ref_captions.json").read_text()) for name in "ab")
    assert len(small) == 12
    assert small.items() <= {clip: texts[:3] for clip, texts in large.items()}.items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mock", "msrvtt", "--root", "x"], "did you mean 'msr-vtt'?"),
        (["mock", "msr-vtt", "split=1k-c", "--root", "x"], "'1k-c'"),
        (["mock", "storyshapes", "--root", "x"], "no miniature of it"),
        (["mock", "folder", "--annotations", "x", "--root", "x"], "which takes none"),
        (["mock", "didemo", "--annotations", "nowhere", "--root", "x"], "no such folder"),
        (["mock", "didemo", "--videos", "3", "--root", "x"], "at least 12"),
        (["links", "didimo"], "did you mean 'didemo'?"),
        (["links", "storyshapes"], "no sources"),
        (["prepare", "didemo"], "dataset.root=DIR"),
        (["prepare", "didemo", "root=nowhere"], "no such folder"),
        (["prepare", "didemo", "missing=skip"], "'fail' | 'drop'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in fails(capsys, *arguments)
    assert not list(tmp_path.iterdir())


def test_links_of_one_and_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "links", "didemo")
    assert "LocalizingMoments" in said.replace("\n", "").replace("|", "").replace(" ", "")
    assert "msr-vtt" not in said
    everything = run(capsys, "links")
    for name in ("msr-vtt", "didemo", "vatex", "msvd", "activitynet"):
        assert f"| {name} " in everything
    assert "storyshapes" not in everything


def test_links_as_json_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    said = json.loads(run(capsys, "links", "--json"))
    assert said["schema_version"] == 1
    registry = current_registry()
    for name, rows in said["datasets"].items():
        assert len(rows) == len(registry.find("dataset", name).component.sources)  # type: ignore[attr-defined]
        assert all(row[key] for row in rows for key in ("part", "where", "licence", "size"))
        assert any(row["part"].startswith("videos") for row in rows)
