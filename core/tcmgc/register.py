"""What a plugin's `tcmgc_register` is handed: one method a slot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .commands import CORE_COMMANDS
from .errors import PluginError
from .registry import Command, Entry, Origin, Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .slots.aggregator import ScoreAggregator
    from .slots.dataset import Dataset
    from .slots.encoder import Encoder
    from .slots.interaction import Interaction
    from .slots.kernel import ContrastKernel
    from .slots.loss import Loss
    from .slots.metric import Metric
    from .slots.normalizer import Normalizer
    from .slots.optimizer import Optimizer
    from .slots.reader import Reader
    from .slots.reorganizer import Reorganizer
    from .slots.sampler import Sampler
    from .slots.schedule import Schedule
    from .slots.scorer import Scorer
    from .slots.stage import FeatureStage
    from .slots.view import VideoView

    Stage: TypeAlias = FeatureStage[Any]
    Files: TypeAlias = dict[str, tuple[Path, Origin]]


class Register:
    """Registers what one plugin brings.

    Every target is a class (or a function that returns a component), or a string ``"module:Class"``
    that is imported when the component is first used. The second keeps listings fast.
    """

    def __init__(self, registry: Registry, origin: Origin) -> None:
        self._registry = registry
        self._origin = origin

    def _component(self, slot: str, name: str, target: Callable[..., object] | str) -> None:
        if not callable(target) and not (isinstance(target, str) and target.count(":") == 1):
            raise PluginError(
                f"plugin {self._origin}: {slot} {name!r}",
                found=repr(target),
                expected="a class, or a string 'module:Class'",
            )
        self._registry.add(Entry(slot, name, target, self._origin))

    def dataset(self, name: str, target: Callable[..., Dataset] | str) -> None:
        """Register a data set (`tcmgc.slots.dataset`)."""
        self._component("dataset", name, target)

    def reader(self, name: str, target: Callable[..., Reader] | str) -> None:
        """Register a reader of video files (`tcmgc.slots.reader`)."""
        self._component("reader", name, target)

    def sampler(self, name: str, target: Callable[..., Sampler] | str) -> None:
        """Register a rule that chooses frames (`tcmgc.slots.sampler`)."""
        self._component("sampler", name, target)

    def encoder(self, name: str, target: Callable[..., Encoder] | str) -> None:
        """Register an encoder of captions and frames (`tcmgc.slots.encoder`)."""
        self._component("encoder", name, target)

    def stage(self, name: str, target: Callable[..., Stage] | str) -> None:
        """Register a feature stage (`tcmgc.slots.stage`)."""
        self._component("stage", name, target)

    def view(self, name: str, target: Callable[..., VideoView] | str) -> None:
        """Register a video view (`tcmgc.slots.view`)."""
        self._component("view", name, target)

    def reorganizer(self, name: str, target: Callable[..., Reorganizer] | str) -> None:
        """Register a similarity reorganizer (`tcmgc.slots.reorganizer`)."""
        self._component("reorganizer", name, target)

    def interaction(self, name: str, target: Callable[..., Interaction] | str) -> None:
        """Register an interaction (`tcmgc.slots.interaction`)."""
        self._component("interaction", name, target)

    def aggregator(self, name: str, target: Callable[..., ScoreAggregator] | str) -> None:
        """Register a score aggregator (`tcmgc.slots.aggregator`)."""
        self._component("aggregator", name, target)

    def scorer(self, name: str, target: Callable[..., Scorer] | str) -> None:
        """Register a scorer that replaces views, granularities and aggregator (`tcmgc.slots.scorer`)."""
        self._component("scorer", name, target)

    def kernel(self, name: str, target: Callable[..., ContrastKernel] | str) -> None:
        """Register a kernel (`tcmgc.slots.kernel`); those that can are used without being asked for."""
        self._component("kernel", name, target)

    def loss(self, name: str, target: Callable[..., Loss] | str) -> None:
        """Register a loss (`tcmgc.slots.loss`)."""
        self._component("loss", name, target)

    def optimizer(self, name: str, target: Callable[..., Optimizer] | str) -> None:
        """Register an optimizer (`tcmgc.slots.optimizer`)."""
        self._component("optimizer", name, target)

    def schedule(self, name: str, target: Callable[..., Schedule] | str) -> None:
        """Register a learning-rate schedule (`tcmgc.slots.schedule`)."""
        self._component("schedule", name, target)

    def normalizer(self, name: str, target: Callable[..., Normalizer] | str) -> None:
        """Register a test-time normalizer (`tcmgc.slots.normalizer`)."""
        self._component("normalizer", name, target)

    def metric(self, name: str, target: Callable[..., Metric] | str) -> None:
        """Register a metric (`tcmgc.slots.metric`); all registered metrics are computed."""
        self._component("metric", name, target)

    def recipes(self, directory: str | Path) -> None:
        """Register every ``*.yaml`` in a directory as a recipe named by its file."""
        self._files("recipe", directory, self._registry.recipe_files, self._registry.suite_files)

    def protocols(self, directory: str | Path) -> None:
        """Register every ``*.yaml`` in a directory as a protocol named by its file."""
        self._files("protocol", directory, self._registry.protocol_files)

    def suites(self, directory: str | Path) -> None:
        """Register every ``*.yaml`` in a directory as a suite named by its file.

        ``tcmgc run`` takes recipes and suites, so no name may be both.
        """
        self._files("suite", directory, self._registry.suite_files, self._registry.recipe_files)

    def _files(self, kind: str, directory: str | Path, files: Files, *others: Files) -> None:
        folder = Path(directory).resolve()
        if not folder.is_dir():
            raise PluginError(
                f"plugin {self._origin}: {kind}s({str(directory)!r})",
                found="no such directory",
                expected=f"a directory of *.yaml {kind}s",
            )
        for path in sorted(folder.glob("*.yaml")):
            for taken in (known[path.stem] for known in (files, *others) if path.stem in known):
                raise PluginError(
                    f"{kind} {path.stem!r} is registered twice",
                    found=f"{taken[0]} by {taken[1]} and {path} by {self._origin}",
                    expected="one name, one file" if others else f"one name, one {kind}",
                )
            files[path.stem] = (path, self._origin)

    def command(self, name: str, target: str, *, help: str) -> None:
        """Register a sub-command: ``target`` is ``"module:click_command"``, ``help`` its line in listings."""
        if name in CORE_COMMANDS:
            raise PluginError(
                f"plugin {self._origin}: command {name!r}", found="a command of core", expected="another name"
            )
        if not (isinstance(target, str) and target.count(":") == 1 and isinstance(help, str)):
            raise PluginError(
                f"plugin {self._origin}: command {name!r}",
                found=f"target {target!r}, help {help!r}",
                expected="a string 'module:click_command' and a line of help",
            )
        if (taken := self._registry.commands.get(name)) is not None:
            raise PluginError(
                f"command {name!r} is registered twice",
                found=f"by {taken.origin} and by {self._origin}",
                expected="one name, one command",
            )
        self._registry.commands[name] = Command(name, target, help, self._origin)
