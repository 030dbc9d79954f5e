"""Every mistake gives one clear error, exit status 2 and no traceback."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

from tcmgc import app
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T, V, W, F, D = 3, 4, 5, 6, 8


@pytest.fixture(autouse=True)
def fresh_plugins() -> Iterator[None]:
    """Plugins of one test are not known to the next."""
    app.current_plugins.cache_clear()
    yield
    app.current_plugins.cache_clear()


def features() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "sentence": torch.randn(T, D, generator=generator),
        "words": torch.randn(T, W, D, generator=generator),
        "frames": torch.randn(V, F, D, generator=generator),
    }


@dataclass
class Workplace:
    """A directory with a good file of features, and what the command said."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def save(self, name: str, **changes: torch.Tensor | None) -> Path:
        tensors = {**features(), **changes}
        save_file({key: t for key, t in tensors.items() if t is not None}, self.folder / name)
        return self.folder / name

    def fails(self, *arguments: object) -> str:
        """Run the command, and return the one error that it gives."""
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        said = self.capsys.readouterr().err
        assert stop.value.code == 2
        assert said.count("error: ") == 1
        assert "Traceback" not in said
        return said

    def score_fails(self, recipe: object = "xclip", *more: object, features: Path | None = None) -> str:
        given = features or self.save("good.safetensors")
        return self.fails(
            "score", recipe, "--features", given, "--out", self.folder / "out.safetensors", *more
        )


@pytest.fixture
def here(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(tmp_path)
    return Workplace(tmp_path, capsys)


OVERRIDES = {
    "unknown component": (
        "aggregator=meen",
        ["unknown aggregator 'meen'", "lsa, mean", "did you mean 'mean'?"],
    ),
    "unknown section": ("agregator=mean", ["unknown key: 'agregator'", "did you mean 'aggregator'?"]),
    "misspelt key": (
        "granularities.frame-word.interaction.temprature=0.1",
        ["unknown parameter of interaction 'bi-aosm': 'temprature'", "did you mean 'temperature'?"],
    ),
    "wrong type": ("stages.video.0.layers=many", ["stages.video.0.layers", "'many'", "int >= 1"]),
    "bool for int": ("stages.video.0.layers=true", ["True", "int >= 1"]),
    "out of range": (
        "granularities.*.interaction.temperature=0",
        ["temperature", "found:    0", "float > 0"],
    ),
    "unknown place": (
        "granularities.frame-wrd.interaction=isa",
        ["'frame-wrd'", "did you mean 'frame-word'?"],
    ),
    "no such index": ("stages.video.3.layers=1", ["stages.video.3", "a list of 1"]),
    "taking out what is not there": ("granularities.frame-words=null", ["not there", "'frame-word'?"]),
    "wildcard without match": ("granularities.*.reorganizer.keep_rate=0.3", ["matches nothing"]),
    "no equals sign": ("aggregator", ["dotted.path=value"]),
    "broken value": ("aggregator={name", ["unreadable YAML"]),
    "unknown view": ("granularities.frame-word.video=clips", ["unknown view 'clips'", "video, frames"]),
    "query without text-conditioning": ("views.video.query=words", ["looks at no text"]),
    "no query": ("views.video=attention", ["text-conditioned view without a query"]),
    "matrix into a vector's place": ("granularities.frame-word.interaction=aosm", ["5 x 6 matrix"]),
    "no interaction": ("granularities.video-word.interaction=null", ["5 x 1 similarity", "an interaction"]),
    "no aggregator": ("aggregator=null", ["no aggregator for 4 granularities"]),
    "scorer beside granularities": ("scorer=cross-encoder", ["views beside a scorer", "views=null"]),
    "heads that do not divide": ("stages.video.0.heads=3", ["heads = 3 does not divide the width 8"]),
    "more frames than positions": ("stages.video.0.positions=2", ["6 frames a video, but positions = 2"]),
    "patches that are not there": ("views.frames.of=patches", ["the features have none"]),
    "normalizer without bank": ("normalizer=sinkhorn", ["no --bank"]),
    "a granularity named as modules name things": (
        "granularities.training={text: sentence, video: video}",
        ["granularities.training", "the name 'training'", "torch.nn.ModuleDict"],
    ),
    "a view named so": ("views.training={name: mean, of: frames}", ["views.training", "the name 'training'"]),
    "a loss named so": ("losses.training={name: infonce}", ["losses.training", "the name 'training'"]),
    "a size that PyTorch refuses": (
        "stages.video.0.positions=1000000000000000",
        ["stages.video.0", "stage 'transformer' of plugin components", "RuntimeError"],
    ),
    "a seed of 65 bits": (
        "stages.video=[{name: patch-selection, seed: 18446744073709551616}]",
        ["stages.video.0.seed", f"int in [0, {2**63 - 1}]"],
    ),
    "more draws than memory holds": (
        "stages.video=[{name: patch-selection, samples: 2000000000}]",
        ["stages.video.0.samples", "int in [1, 100000]"],
    ),
}


@pytest.mark.parametrize(("override", "says"), OVERRIDES.values(), ids=OVERRIDES)
def test_wrong_override(here: Workplace, override: str, says: list[str]) -> None:
    said = here.score_fails("xclip", "--set", override)
    for words in says:
        assert words in said, said


RECIPES = {
    "empty": ("", ["an empty file"]),
    "no mapping": ("- a\n- b\n", ["a list of 2 at the top", "a YAML mapping"]),
    "unreadable": ("views: {video: [}\n", ["mine.yaml:1:", "unreadable YAML"]),
    "key twice": ("base: xclip\nlosses: {}\nbase: tcmgc\n", ["mine.yaml:3", "'base' twice"]),
    "not utf-8": (b"base: \xff\xfe", ["not UTF-8"]),
    "taking out what is not there": ("base: xclip\nlosses: {infonc: null}\n", ["mine.yaml:2", "'infonce'?"]),
    "unknown base": ("base: xlcip\n", ["mine.yaml:1: base", "did you mean 'xclip'?"]),
    "own base": ("base: mine.yaml\n", ["based on this file"]),
    "misspelt key": (
        "base: xclip\naggregator: mean\nview:\n  video: mean\n",
        ["mine.yaml:4", "unknown key: 'view'", "'views'"],
    ),
    "no name": ("base: xclip\nviews:\n  new: {normalize: true}\n", ["mine.yaml:3", "no `name`", "attention"]),
    "wrong list": ("base: xclip\nstages: {video: transformer}\n", ["stages.video", "a list of stages"]),
    "share beside parameters": (
        "base: tcmgc\nviews: {frames: {heads: 2}}\n",
        ["views.frames.heads", "`share`"],
    ),
    "nothing": ("summary: nothing\n", ["no granularity"]),
    "itself": ("base: &b\n  - *b\n", ["contains itself"]),
    "alias bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{n}: &{n} [{', '.join([f'*{m}'] * 9)}]\n" for m, n in zip("abcde", "bcdef", strict=True)),
        ["more than 100000 values"],
    ),
    "no number": ("base: xclip\nlogit_scale: {init: !!int abc}\n", ["unreadable YAML"]),
    "newer format": ("base: xclip\nschema_version: 2\n", ["schema_version", "found:    2"]),
}


@pytest.mark.parametrize(("content", "says"), RECIPES.values(), ids=RECIPES)
def test_wrong_recipe(here: Workplace, content: str | bytes, says: list[str]) -> None:
    said = here.score_fails(here.write("mine.yaml", content))
    for words in says:
        assert words in said, said


def test_unknown_recipe_and_variant_and_missing_file(here: Workplace) -> None:
    assert "did you mean 'xclip'?" in here.score_fails("x-clip")
    assert "one of released, corrected" in here.score_fails("xclip", "--variant", "right")
    assert "no such file" in here.score_fails("absent.yaml").lower()


FEATURES: dict[str, tuple[Callable[[Workplace], Path], list[str]]] = {
    "missing": (lambda here: here.folder / "none.safetensors", ["no such file"]),
    "directory": (lambda here: here.folder, ["a directory"]),
    "empty": (lambda here: here.write("f", b""), ["an empty file"]),
    "noise": (lambda here: here.write("f", bytes(range(256)) * 40), ["no readable safetensors"]),
    "pickle": (lambda here: here.write("f", pickle.dumps({"sentence": 1})), ["pickle", "safetensors"]),
    "absent tensor": (lambda here: here.save("f", words=None), ["no tensor 'words'", "words [T, W, D]"]),
    "misspelt tensor": (
        lambda here: here.save("f", words=None, wrods=torch.zeros(T, W, D)),
        ["did you mean 'wrods'?"],
    ),
    "rank": (lambda here: here.save("f", frames=torch.ones(V, D)), ["frames", "[4, 8]", "[V, F, D]"]),
    "width": (lambda here: here.save("f", frames=torch.ones(V, F, D + 1)), ["D = 9", "D = 8"]),
    "texts": (lambda here: here.save("f", sentence=torch.ones(T + 1, D)), ["T = 4"]),
    "no videos": (lambda here: here.save("f", frames=torch.ones(0, F, D)), ["V at least 1"]),
    "integers": (lambda here: here.save("f", frames=torch.ones(V, F, D, dtype=torch.int32)), ["type I32"]),
    "nan": (
        lambda here: here.save(
            "f", words=torch.zeros(T, W, D).index_put_((torch.tensor(2),), torch.tensor(torch.nan))
        ),
        ["words", "nan at T 2, W 0, D 0"],
    ),
    "mask values": (lambda here: here.save("f", word_mask=torch.full((T, W), 2)), ["2 at [0, 0]", "0 or 1"]),
    "empty video": (
        lambda here: here.save(
            "f", frame_mask=torch.ones(V, F).index_put_((torch.tensor(1),), torch.tensor(0.0))
        ),
        ["video 1", "no real frame", "empty_items=score"],
    ),
    "zero vector": (lambda here: here.save("f", sentence=torch.zeros(T, D)), ["text 0 and video 0", "nan"]),
    "scale": (lambda here: here.save("f", logit_scale=torch.tensor(-1.0)), ["not its logarithm"]),
    "uneven patches": (
        lambda here: here.save("f", pixels=torch.ones(V, F + 1, D)),
        ["7 patches of F = 6 frames"],
    ),
}


@pytest.mark.parametrize(("make", "says"), FEATURES.values(), ids=FEATURES)
def test_wrong_features(here: Workplace, make: Callable[[Workplace], Path], says: list[str]) -> None:
    said = here.score_fails("xclip", features=make(here))
    for words in says:
        assert words in said.lower() or words in said, said


def test_wrong_weights(here: Workplace) -> None:
    weights = here.folder / "w.safetensors"
    save_file({"nothing": torch.zeros(1)}, weights)
    assert "weights are absent under our names" in here.score_fails("xpool", "--weights", weights)
    save_file({"logit_scale": torch.tensor(1.0), "clip.logit_scale": torch.tensor(2.0)}, weights)
    both = here.score_fails("clip4clip-meanp", "--weights", weights)
    assert "'logit_scale' and 'clip.logit_scale', both for logit_scale" in both
    save_file({"pool_frames.layer_norm1.weight": torch.zeros(3)}, weights)
    assert "shape [3]" in here.score_fails("xpool", "--weights", weights, "--partial")
    here.write("w.bin", b"PK\x03\x04 a zipped checkpoint")
    assert "pickle" in here.score_fails("xpool", "--weights", here.folder / "w.bin")


def test_wrong_output(here: Workplace) -> None:
    good = here.save("good.safetensors")
    here.write("file", "x")
    assert "file is a file" in here.fails(
        "score", "xclip", "--features", good, "--out", "file/out.safetensors"
    )
    assert "a directory" in here.fails("score", "xclip", "--features", good, "--out", here.folder)
    assert "a file that is read" in here.fails("score", "xclip", "--features", good, "--out", good)
    assert "too long" in here.fails("score", "xclip", "--features", good, "--out", "x" * 300)
    os.mkfifo(here.folder / "pipe")
    assert "a pipe" in here.fails("score", "xclip", "--features", good, "--out", here.folder / "pipe")
    assert "no regular file" in here.score_fails(features=here.folder / "pipe")
    assert "is a file" in here.fails("recipe", "schema", "--out", "file/schema.json")


def test_wrong_bank(here: Workplace) -> None:
    bank = here.save("bank.safetensors", words=torch.ones(T, W + 1, D))
    normalized = ("--normalizer", "sinkhorn", "--bank")
    assert "[6, 8] an item" in here.score_fails("xclip", *normalized, bank)
    assert "a --normalizer" in here.score_fails("xclip", "--bank", bank)
    videos_only = here.save("videos.safetensors", words=None, sentence=None)
    assert "no texts" in here.score_fails("xclip", *normalized, videos_only)


def test_wrong_options(here: Workplace) -> None:
    assert "--seed" in here.score_fails("xclip", "--seed", "-1")
    assert "'meta'" in here.score_fails("xclip", "--device", "meta")
    assert "device" in here.score_fails("xclip", "--device", "abacus")
    assert "--dtype" in here.score_fails("xclip", "--dtype", "int8")
    assert "--features" in here.fails("score", "xclip", "--out", "x")
    assert "did you mean 'score'?" in here.fails("scroe")
    assert "did you mean 'lsa'?" in here.fails("plugins", "show", "lsb")
    assert "encoder, stage, view" in here.fails("plugins", "show", "views/mean")


HEAD = "from tcmgc import hookimpl\n\n@hookimpl\ndef tcmgc_register(register):\n    "
PLUGINS = {
    "fails to import": ("import absent_package\n", ["ModuleNotFoundError", "absent_package"]),
    "syntax": ("def f(:\n", ["SyntaxError"]),
    "no hook": ("x = 1\n", ["no hook", "tcmgc_register"]),
    "unknown hook": (
        "from tcmgc import hookimpl\n\n@hookimpl\ndef tcmgc_registre(register):\n    pass\n",
        ["tcmgc_registre"],
    ),
    "duplicate name": (
        HEAD + "register.aggregator('mean', 'a:B')\n",
        ["registered twice", "components (tcmgc"],
    ),
    "bad name": (HEAD + "register.aggregator('My Mean', 'a:B')\n", ["'My Mean'", "hyphens"]),
    "no target": (HEAD + "register.aggregator('x', 'nowhere')\n", ["'nowhere'", "'module:Class'"]),
    "raises": (HEAD + "raise RuntimeError('boom')\n", ["RuntimeError: boom"]),
    "no such slot": (HEAD + "register.agregator('x', 'a:B')\n", ["AttributeError"]),
    "exits": ("import sys\nsys.exit(0)\n", ["SystemExit"]),
    "command of core": (HEAD + "register.command('score', 'a:b', help='mine')\n", ["a command of core"]),
    "command without help": (HEAD + "register.command('mine', 'a:b', help=None)\n", ["a line of help"]),
    "no recipes": (HEAD + "register.recipes('absent')\n", ["no such directory"]),
}


@pytest.mark.parametrize(("content", "says"), PLUGINS.values(), ids=PLUGINS)
def test_wrong_plugin(here: Workplace, content: str, says: list[str]) -> None:
    said = here.fails("--plugin", here.write("mine.py", content), "plugins", "list")
    for words in says:
        assert words in said, said


CONSTRUCTORS = {
    "positional": ("def __init__(self, rate: float = 1.0): pass", ["keyword-only"]),
    "untyped": ("def __init__(self, *, rate=1.0): pass", ["no annotation"]),
    "unresolvable": ("def __init__(self, *, rate: 'Nowhere' = 1.0): pass", ["Nowhere"]),
    "no value": ("def __init__(self, *, rate: object() = 1.0): pass", ["annotations"]),
    "reserved": ("def __init__(self, *, name: str = 'x'): pass", ["parameter 'name'"]),
    "unreadable annotation": ("def __init__(self, *, rate: 'dict[' = 1.0): pass", ["SyntaxError"]),
    "unknown size": ("def __init__(self, *, depth: Size): pass", ["a size that is not known"]),
}


@pytest.mark.parametrize(("constructor", "says"), CONSTRUCTORS.values(), ids=CONSTRUCTORS)
def test_wrong_constructor(here: Workplace, constructor: str, says: list[str]) -> None:
    plugin = here.write(
        "mine.py",
        f"from tcmgc import Size, hookimpl\n\nclass Mine:\n    {constructor}\n"
        "    def __call__(self, parts): return parts[..., 0]\n\n"
        "@hookimpl\ndef tcmgc_register(register):\n    register.aggregator('mine', Mine)\n",
    )
    said = here.score_fails("xclip", "--plugin", plugin, "--set", "aggregator=mine")
    for words in [*says, "aggregator 'mine'"]:
        assert words in said, said


METHODS = {
    "wrong shape": ("def __call__(self, parts): return parts.sum()", ["shape []", "[T, V]"]),
    "call raises": ("def __call__(self, parts): return parts[9, 9, 9, 9]", ["a component raises IndexError"]),
    "no method": ("rate = 1.0", ["lacks a method", "tcmgc.slots.aggregator.ScoreAggregator"]),
    "constructor exits": ("def __init__(self): raise SystemExit(0)", ["SystemExit"]),
    "constructor raises": ("def __init__(self): self.rate = 1 / 0", ["ZeroDivisionError"]),
    "constructor raises TypeError": (
        "def __init__(self): self.rate = 1 + 'a'",
        ["--set aggregator=mine", "TypeError", "parameters that it can be made of"],
    ),
}


@pytest.mark.parametrize(("method", "says"), METHODS.values(), ids=METHODS)
def test_component_that_breaks_its_contract(here: Workplace, method: str, says: list[str]) -> None:
    content = f"from tcmgc import hookimpl\n\nclass Mine:\n    {method}\n\n{HEAD.partition(chr(10))[2]}"
    plugin = here.write("mine.py", content + "register.aggregator('mine', Mine)\n")
    said = here.score_fails("xclip", "--plugin", plugin, "--set", "aggregator=mine")
    for words in says:
        assert words in said, said


def test_a_failed_plugin_leaves_nothing_behind(here: Workplace) -> None:
    plugin = here.write(
        "mine.py", HEAD + "register.aggregator('one', 'a:B')\n    raise RuntimeError('boom')\n"
    )
    assert "boom" in here.fails("--plugin", plugin, "plugins", "list")
    assert "boom" in here.fails("--plugin", plugin, "plugins", "list")  # not: registered already
    assert "one" not in app.current_registry().names("aggregator")


def test_missing_plugin(here: Workplace) -> None:
    assert "no such file" in here.fails("--plugin", "absent.py", "plugins", "list")
    assert "fails to import" in here.fails("--plugin", "absent_module", "plugins", "list")
    unimportable = here.write("mine.py", HEAD + "register.aggregator('mine', 'absent_module:Mine')\n")
    said = here.score_fails("xclip", "--plugin", unimportable, "--set", "aggregator=mine")
    assert "'absent_module:Mine' does not import" in said
