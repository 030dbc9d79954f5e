"""What the commands of ``tcmgc data`` share: making a data set, and knowing how its clips are decoded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError

from .console import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tcmgc.data.clip import SplitName
    from tcmgc.registry import Registry
    from tcmgc.slots.dataset import Dataset
    from tcmgc.slots.reader import Reader
    from tcmgc.slots.sampler import Sampler

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
DECODING = ("reader", "sampler", "encoder")
"""Sections of a protocol that decoding depends on; of the encoder only the size of its images."""


@dataclass(frozen=True)
class HowDecoded:
    """How a protocol decodes clips.

    Parameters
    ----------
    protocol
        Its name.
    reader, reader_config, sampler, sampler_config
        The components and their resolved configs.
    image_size
        S, pixels a side.
    """

    protocol: str
    reader: Reader
    reader_config: dict[str, Any]
    sampler: Sampler
    sampler_config: dict[str, Any]
    image_size: int

    @property
    def told(self) -> str:
        """Say which frames they are: a run reads these if it has the same reader, sampler and image size."""
        return (
            f"frames as protocol {self.protocol} has them, {self.image_size} pixels a side, by "
            f"{self.sampler_config['name']} and {self.reader.version}"
        )

    def load_arguments(self, split: SplitName) -> dict[str, Any]:
        """Return what `tcmgc.data.frames.load_split` takes to decode a split as a run does.

        A run trains on the train split: with a sampler that draws, on all frames that it may draw.
        """
        from tcmgc.data.sampler_to_train import sampler_to_train

        sampler, config = self.sampler, self.sampler_config
        if split == "train":
            sampler, config = sampler_to_train(sampler, config)
        return {
            "reader": self.reader,
            "reader_config": self.reader_config,
            "sampler": sampler,
            "sampler_config": config,
            "image_size": self.image_size,
        }


def dataset_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add NAME, KEY=VALUE and ``--root``."""
    for add in (
        click.option("--root", metavar="DIR", help="The same as root=DIR: the folder of its files."),
        click.argument("settings", nargs=-1, metavar="[KEY=VALUE]..."),
        click.argument("name"),
    ):
        command = add(command)
    return command


def decoding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--protocol``, ``--set``, ``--workers`` and ``--time-limit``."""
    for add in (
        click.option(
            "--time-limit", type=click.FloatRange(min=1), metavar="SECONDS", help="That a video may take."
        ),
        click.option("--workers", type=click.IntRange(1, 256), help="Processes; as many as cores."),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Of the protocol, as reader=decord or sampler.frames=24.",
        ),
        click.option(
            "--protocol", metavar="NAME|FILE", help="Says how clips are decoded; the data set's own."
        ),
    ):
        command = add(command)
    return command


def settings_of(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell settings of a data set from overrides of how it is decoded, as ``reader=pyav`` in hints."""
    decoded = [text for text in words if text.partition("=")[0].split(".")[0].strip() in DECODING]
    return [text for text in words if text not in decoded], decoded


def prepared(name: str, settings: Sequence[str], root: str | None = None) -> Dataset:
    """Make a data set and its files."""
    dataset = made(name, settings, root)
    with progress_bar("preparing", "clips") as progress:
        dataset.prepare(progress)
    return dataset


def made(name: str, settings: Sequence[str], root: str | None = None) -> Dataset:
    """Make a data set from what a command was given."""
    from tcmgc.component_config import make_component

    # As a quoted text: a folder may be called `null`.
    given = [*settings, *([f"root={json.dumps(root)}"] if root is not None else [])]
    return cast("Dataset", make_component("dataset", name, given, current_registry()))


def from_here(progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Count what is left to do only: what a killed process has done is no measure of how fast it goes."""
    before: list[int] = []

    def advance(done: int, total: int) -> None:
        if not before:
            before.append(done - 1)
        progress(done - before[0], total - before[0])

    return advance


def splits_of(dataset: Dataset) -> tuple[SplitName, ...]:
    """Name the splits that a data set has."""
    from tcmgc.slots.dataset import Audited

    return dataset.splits if isinstance(dataset, Audited) else SPLITS


def all_readers() -> list[Reader]:
    """Make all readers, in the order of their names."""
    return list(current_registry().create_all("reader").values())


def how_decoded(dataset: str, protocol: str | None, overrides: Iterable[str]) -> HowDecoded | None:
    """Say how a protocol decodes.

    Parameters
    ----------
    dataset
        The name of a data set.
    protocol
        The name or file of a protocol; None for the one that has the data set. Several may, if they decode
        in the same way.
    overrides
        ``dotted.path=value`` over the protocol.

    Returns
    -------
    HowDecoded or None
        None where no protocol has the data set.

    Raises
    ------
    ConfigError
        When protocols of the data set decode in different ways, and none was named.
    """
    registry = current_registry()
    names = [protocol] if protocol is not None else protocols_of(dataset, registry)
    configs = {name: _config(name, overrides, registry) for name in names}
    if not configs:
        return None
    if len({json.dumps(config, sort_keys=True) for config in configs.values()}) > 1:
        raise ConfigError(
            f"data set {dataset!r}",
            found=f"protocols that decode in different ways: {', '.join(names)}",
            expected="one of them",
            hint="--protocol NAME",
        )
    name, config = next(iter(configs.items()))
    return HowDecoded(
        name,
        registry.create("reader", config["reader"], {}),
        config["reader"],
        registry.create("sampler", config["sampler"], {}),
        config["sampler"],
        config["image_size"],
    )


def protocols_of(dataset: str, registry: Registry) -> list[str]:
    """Name the protocols that have a data set."""
    from tcmgc.recipes.protocol import load_protocol

    found = []
    for name in sorted(registry.protocol_files):
        named = load_protocol(registry, name).sections.plain().get("dataset")
        if (named.get("name") if isinstance(named, dict) else named) == dataset:
            found.append(name)
    return found


def _config(protocol: str, overrides: Iterable[str], registry: Registry) -> dict[str, Any]:
    """Resolve what decoding depends on."""
    from tcmgc.recipes.overrides import apply_override, parse_override
    from tcmgc.recipes.protocol import load_protocol
    from tcmgc.recipes.resolve import resolve
    from tcmgc.recipes.tree import Node

    sections = load_protocol(registry, protocol).sections
    tree = Node({key: node for key, node in sections.value.items() if key in DECODING}, sections.origin)
    for text in overrides:
        override = parse_override(text)
        if override.path[0] not in DECODING:
            raise ConfigError(
                override.origin, found=repr(override.path[0]), expected=f"one of {', '.join(DECODING)}"
            )
        tree = apply_override(tree, override, lambda node: resolve(node, registry).config)
    config = resolve(tree, registry).config
    for section in DECODING:
        if config[section] is None:
            raise ConfigError(f"protocol {protocol!r}", found=f"no {section}", expected="one")
    return {
        "reader": config["reader"],
        "sampler": config["sampler"],
        "image_size": _image_size(config["encoder"], registry),
    }


def _image_size(encoder: dict[str, Any], registry: Registry) -> int:
    """Ask an encoder's class for the size of its images, or else the encoder, which may need its weights."""
    ask = getattr(registry.find("encoder", encoder["name"]).component, "image_size_of", None)
    known: int | None = None if ask is None else ask(encoder)
    return known or int(registry.create("encoder", encoder, {}).image_size)
