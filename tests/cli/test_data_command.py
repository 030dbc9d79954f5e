"""``tcmgc data``: what it makes, shows and clears, and each mistake as one error."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tcmgc import app
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGIN = '''
from pathlib import Path
from typing import Annotated

from pydantic import Field
from video_files import VideoFolder

from tcmgc import hookimpl


class Counted(VideoFolder):
    """Videos that count their frames.

    Parameters
    ----------
    clips
        How many.
    """

    def __init__(self, *, folder: str = "videos", clips: Annotated[int, Field(ge=1)] = 3) -> None:
        super().__init__(Path(folder), clips, 20)


@hookimpl
def tcmgc_register(register):
    register.dataset("counted", Counted)
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with a plugin that brings a data set, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tcmgc_local.py").write_text(PLUGIN)
    app.current_plugins.cache_clear()
    yield tmp_path
    app.current_plugins.cache_clear()


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


def test_list_has_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "list")
    assert re.search(r"^counted +Videos that count their frames\. +tcmgc_local", said, re.MULTILINE)
    assert re.search(r"^storyshapes ", said, re.MULTILINE)


def test_prepare_makes_the_files_and_counts(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    said = run(capsys, "prepare", "counted", "clips=2")
    assert len(list((here / "videos").iterdir())) == 2
    # 20 and 19 frames of 0.1 s
    assert re.search(rf"^test +2 +2 +3\.9 +{re.escape('videos')}$", said, re.MULTILINE)
    assert "version 1" in said
    assert "seconds" not in run(capsys, "prepare", "counted", "clips=2", "--no-probe")
    assert "seconds" in run(capsys, "prepare", "counted", "clips=2", "--no-decode")


def test_prepare_names_what_cannot_be_opened(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    run(capsys, "prepare", "counted")
    (here / "videos" / "1.mp4").write_text("no video")
    said = fails(capsys, "prepare", "counted")
    assert "clip 1: video videos/1.mp4" in said
    assert "3 of 9 clips are unreadable" in said  # one in each of three splits


def test_show_as_html(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    said = run(capsys, "show", "counted", "clips=5", "--clips", 2, "--out", "sheets/sheet.html")
    assert said == "sheets/sheet.html: 2 clips of counted, test\n"
    html = (here / "sheets" / "sheet.html").read_text()
    assert html.count("<article>") == 2  # the first and the last
    assert "numbers &lt;of&gt; clip 0" in html
    assert "numbers &lt;of&gt; clip 4" in html
    assert "<of>" not in html
    # 20 frames of 0.1 s: the moment from 0.5 to 1 s
    assert 'style="left:25.00%;right:50.00%;' in html
    pictures = re.findall(r'src="([^"]*)"', html)
    assert len(pictures) == 16
    assert "http" not in html
    assert "url(" not in html
    for uri in pictures:
        head, _, data = uri.partition(",")
        assert head == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (112, 112)


def test_show_as_png(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    run(capsys, "show", "counted", "--split", "train", "--clips", 9, "--out", "sheet.png")
    with Image.open(here / "sheet.png") as sheet:
        assert sheet.width == 8 * 114 + 32
        colours = sheet.getcolors(1 << 20)
    assert colours is not None
    assert (0x35, 0x69, 0xB5) in {colour for _, colour in colours}  # the bar of a moment


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prepare", "counter"], "did you mean 'counted'?"),
        (["prepare", "counted", "clip=3"], "did you mean 'clips'?"),
        (["prepare", "counted", "clips=many"], "'many'\n  expected: int >= 1"),
        (["prepare", "counted", "clips=0"], "0\n  expected: int >= 1"),
        (["prepare", "counted", "clips"], "'clips'\n  expected: dotted.path=value"),
        (["show", "counted", "--out", "sheet.jpg"], "expected: .html or .png"),
        (["show", "counted", "--out", "."], "expected: .html or .png"),
        (["show", "counted", "--out", "tcmgc_local.py/sheet.png"], "is a file"),
        (["show", "counted"], "Missing option '--out'"),
        (["show", "counted", "--split", "tests", "--out", "a.png"], "'tests' is not one of"),
        (["prepare"], "Missing argument 'NAME'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert said in fails(capsys, *arguments)
