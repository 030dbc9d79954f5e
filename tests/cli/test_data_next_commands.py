"""``tcmgc data mock`` says what to type next: each command works as it stands, and decodes once."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from frame_cases import folders
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "root"),
    [
        (["msr-vtt", "split=1k-b", "dataset.missing=drop"], "a: b null"),
        (["didemo"], "didemo"),
        (["folder"], "12"),
    ],
)
def test_commands_work_as_they_are_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, cache: Path, given: list[str], root: str
) -> None:
    assert main(["data", "mock", *given, "--videos", "12", "--root", root]) is None
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == f"{root}: a miniature of {given[0]}, 12 videos; to be tried on it:"
    commands = [shlex.split(line) for line in lines]
    assert [command[1:3] for command in commands[:-1]] == [
        ["data", "prepare"],
        ["data", "check"],
        ["data", "show"],
    ]
    assert commands[-1][1] == "run"
    prepared: list[Path] = []
    for command in commands:
        assert command[0] == "tcmgc"
        assert main(command[1:]) is None, capsys.readouterr().err
        assert not prepared or folders(cache) == prepared  # nothing is decoded in another way
        prepared = folders(cache)
    assert len(prepared) == 3
    assert (tmp_path / f"{given[0]}.html").stat().st_size > 1000
    assert (tmp_path / "runs" / given[0] / "report" / "index.html").is_file()
    assert "a miniature" in capsys.readouterr().out


@pytest.mark.slow
def test_a_sampler_that_draws_is_prepared_as_it_is_trained(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    assert main(["data", "mock", "msr-vtt", "--videos", "12", "--root", "mini"]) is None
    commands = [shlex.split(line)[1:] for line in capsys.readouterr().out.splitlines()[1:]]
    prepare, run = commands[0], commands[-1]
    segment = "sampler={name: segment, frames: 3}"
    main([*prepare, "--set", segment])
    assert (
        "- train: up to 12 frames a clip, of which segment draws 3 in every epoch" in capsys.readouterr().out
    )
    prepared = folders(cache)
    assert len(prepared) == 3
    main([*run, segment])
    assert folders(cache) == prepared
    main(["data", "cache", "prune", "--unused"])
    assert folders(cache) == prepared
