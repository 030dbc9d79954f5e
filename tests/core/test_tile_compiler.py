"""Compiled tiles: the same scores, compiled when it is repaid, and never the reason why scoring fails."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch._dynamo.utils import counters

import tcmgc
from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures, tile_compiler
from tcmgc.tile_compiler import REPAID, Compilation, CompilationWarning, has_compiler
from tcmgc.tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T, V, W, F, D = 7, 9, 12, 5, 32
SIZES = Sizes(dim=D, max_words=W, max_frames=F)
TILING = Tiling(4, 4)
"""Divides neither T nor V."""
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is compiled is kept apart; PyTorch remembers where its cache is, so all tests have one."""
    folder = tmp_path_factory.getbasetemp() / "compiling"
    monkeypatch.setenv("TCMGC_CACHE", str(folder))
    monkeypatch.delenv(tile_compiler.CACHE, raising=False)
    return folder


def galleries() -> tuple[TextFeatures, VideoFeatures]:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    words = torch.randint(2, W + 1, (T, 1), generator=generator)
    frames = torch.randint(1, F + 1, (V, 1), generator=generator)
    return (
        TextFeatures(random(T, D), Tokens(random(T, W, D), torch.arange(W) < words)),
        VideoFeatures(Tokens(random(V, F, D), torch.arange(F) < frames)),
    )


def pretend(monkeypatch: pytest.MonkeyPatch, tile: Callable[..., Any]) -> list[tuple[int, int]]:
    """Let `tile`, which is given the scorer too, be what compiling makes; returns the sizes it saw."""
    seen: list[tuple[int, int]] = []

    def compile_(scorer: Callable[..., Any], **_: object) -> Callable[..., Any]:
        def compiled(text: Any, video: Any, scale: Any) -> Any:
            seen.append((len(next(iter(text.values()))), len(next(iter(video.values())))))
            return tile(scorer, text, video, scale)

        return compiled

    monkeypatch.setattr(torch, "compile", compile_)
    return seen


@pytest.mark.skipif(not has_compiler(), reason="needs a C++ compiler")
def test_compiled_scores_equal_the_others(cache: Path) -> None:
    text, video = galleries()
    model = tcmgc.build("tcmgc", SIZES, seed=1, overrides={"granularities.*.reorganizer.keep_rate": 0.25})
    said: list[str] = []
    model.compilation.policy, model.compilation.notify = "never", said.append
    plain = model.scores(text, video)
    assert model.compilation.seconds == 0
    assert not said
    model.compilation.policy = "always"
    compiled = model.scores(text, video, tiling=TILING)
    assert len(said) == 1
    assert model.compilation.seconds > 0
    assert torch.allclose(compiled.total, plain.total, atol=1e-4, rtol=1e-5)
    for name, part in plain.parts.items():
        assert torch.allclose(compiled.parts[name], part, atol=1e-4, rtol=1e-5)
    assert any((cache / "compiled").rglob("*.cpp")), "kept with what else is cached"
    # New weights, and a second gallery, need no second compilation.
    first, graphs = model.compilation.seconds, counters["stats"]["unique_graphs"]
    assert graphs
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.01)
    again = model.scores(text, video, tiling=TILING)
    assert counters["stats"]["unique_graphs"] == graphs
    assert model.compilation.seconds < first
    assert len(said) == 1
    assert not torch.equal(again.total, compiled.total)
    model.compilation.policy = "never"
    assert torch.allclose(again.total, model.scores(text, video).total, atol=1e-4, rtol=1e-5)


def test_every_tile_has_the_size_that_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    text, video = galleries()
    model = tcmgc.build("xclip", SIZES, seed=1)
    plain = model.scores(text, video)
    seen = pretend(monkeypatch, lambda scorer, *given: scorer(*given))
    model.compilation.policy = "always"
    calls: list[int] = []
    compiled = model.scores(text, video, tiling=TILING, progress=lambda done, _: calls.append(done))
    assert set(seen) == {(4, 4)}
    assert len(seen) == 1 + 2 * 3
    assert torch.allclose(compiled.total, plain.total, atol=1e-5)
    assert calls == sorted(calls)
    assert calls[-1] == T * V


def test_a_compiler_that_fails_costs_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such instruction\nand much more")

    text, video = galleries()
    model = tcmgc.build("xclip", SIZES, seed=1)
    plain = model.scores(text, video)
    pretend(monkeypatch, fail)
    model.compilation.policy = "always"
    with pytest.warns(CompilationWarning, match=r"RuntimeError: no such instruction$"):
        assert torch.allclose(model.scores(text, video, tiling=TILING).total, plain.total, atol=1e-5)


def test_other_scores_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(scorer: Any, *given: Any) -> Any:
        scores = scorer(*given)
        scores.total.add_(1)
        return scores

    text, video = galleries()
    model = tcmgc.build("xclip", SIZES, seed=1)
    plain = model.scores(text, video)
    pretend(monkeypatch, wrong)
    model.compilation.policy = "always"
    with pytest.warns(CompilationWarning, match=r"differ by 1\.0e\+00"):
        assert torch.allclose(model.scores(text, video, tiling=TILING).total, plain.total, atol=1e-5)


def test_it_is_compiled_where_it_is_repaid(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = int(REPAID * torch.get_num_threads())
    monkeypatch.setattr(tile_compiler, "has_compiler", lambda: True)
    auto = Compilation()
    assert auto.begins(CPU, numbers)
    assert not auto.begins(CPU, numbers - 1)
    assert not auto.begins(torch.device("cuda"), numbers)
    assert Compilation("always").begins(torch.device("cuda"), 1)
    assert not Compilation("never").begins(CPU, 10 * numbers)
    monkeypatch.setattr(tile_compiler, "has_compiler", lambda: False)
    assert not auto.begins(CPU, numbers)


def test_a_named_compiler_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tile_compiler.COMPILER, "no-such-compiler")
    assert not has_compiler()


def test_a_copy_is_compiled_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    text, video = galleries()
    model = tcmgc.build("xclip", SIZES, seed=1)
    pretend(monkeypatch, lambda scorer, *given: scorer(*given))
    model.compilation.policy = "always"
    model.scores(text, video, tiling=TILING)
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.logit_scale.add_(0.5)
        for parameter in other.scorer.parameters():
            parameter.mul_(1.1)
    compiled = other.scores(text, video, tiling=TILING)
    other.compilation.policy = "never"
    assert torch.allclose(compiled.total, other.scores(text, video).total, atol=1e-5)
    assert pickle.loads(pickle.dumps(model.compilation)).policy == "always"
