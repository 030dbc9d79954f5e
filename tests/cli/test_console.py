"""What is said at a terminal, and what is not said where there is none."""

from __future__ import annotations

import io
import warnings

import pytest
from rich.console import Console

from tcmgc.cli.console import progress_bar, warnings_said


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_has_rate_and_time_left_at_a_terminal(terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120)
    with progress_bar("scoring", "pairs", console) as advance:
        for done in (1000, 2000, 3000):
            advance(done, 4000)
    said = stream.getvalue()
    if terminal:
        assert "3000/4000" in said
        assert "a second" in said
        assert "time left" in said
    else:
        assert said.strip() == ""


def test_warnings_are_said_once_without_file_and_line(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings_said():
        for _ in range(3):
            warnings.warn("one entry is kept", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: one entry is kept\n"


def test_warnings_are_said_where_an_error_follows(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        warnings.warn("the key may be missing", UserWarning, stacklevel=1)
        raise KeyError

    with pytest.raises(KeyError), warnings_said():
        fail()
    assert capsys.readouterr().err == "warning: the key may be missing\n"
