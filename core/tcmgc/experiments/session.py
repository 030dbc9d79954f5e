"""What the runs of one process share: data sets, decoded frames, encoders as they start."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcmgc.data.frames import SplitFrames, load_split
from tcmgc.data.sampler_to_train import sampler_to_train
from tcmgc.engine.fabric import make_fabric, precision_of
from tcmgc.runs.fingerprint import fingerprint_fields
from tcmgc.slots.dataset import Audited, Dropping
from tcmgc.slots.sampler import RandomSampler

from .listener import Listener

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning_fabric import Fabric

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.slots.dataset import Dataset
    from tcmgc.slots.encoder import Encoder
    from tcmgc.slots.reader import Reader
    from tcmgc.slots.sampler import Sampler

MOST_SPLITS = 6
"""Decoded splits that are kept: train, val and test of two protocols."""


@dataclass(frozen=True)
class Parts:
    """What a protocol names, made.

    Parameters
    ----------
    dataset, reader, sampler
        The components.
    encoder
        As it starts. Not to be changed: a run takes a copy.
    """

    dataset: Dataset
    reader: Reader
    sampler: Sampler
    encoder: Encoder


class Session:
    """Makes what runs need, each thing once.

    Parameters
    ----------
    registry
        Where components are found.
    device, precision
        As `tcmgc.engine.fabric.make_fabric` takes them.
    listener
        Is told what goes on.
    """

    def __init__(
        self,
        registry: Registry,
        device: str = "auto",
        listener: Listener | None = None,
        precision: str = "auto",
    ) -> None:
        self.registry = registry
        self.fabric: Fabric = make_fabric(device, precision)
        self.precision = precision_of(self.fabric)
        self.listener = listener or Listener()
        self._made: dict[str, Any] = {}
        self._prepared: set[str] = set()
        self._splits: dict[str, Split] = {}
        self._frames: OrderedDict[str, SplitFrames] = OrderedDict()

    def parts(self, recipe: Recipe) -> Parts:
        """Make a recipe's data set, reader, sampler and encoder; no file is decoded."""
        return Parts(*(self._make(slot, recipe) for slot in ("dataset", "reader", "sampler", "encoder")))

    def dataset(self, recipe: Recipe) -> Dataset:
        """Make a recipe's data set alone."""
        made: Dataset = self._make("dataset", recipe)
        return made

    def sampler(self, recipe: Recipe) -> Sampler:
        """Make a recipe's sampler alone."""
        made: Sampler = self._make("sampler", recipe)
        return made

    def reader(self, recipe: Recipe) -> Reader:
        """Make a recipe's reader alone."""
        made: Reader = self._make("reader", recipe)
        return made

    def encoder(self, recipe: Recipe) -> Encoder:
        """Return a recipe's encoder as it starts, to be trained."""
        encoder: Encoder = copy.deepcopy(self._make("encoder", recipe))
        return encoder

    def prepare(self, recipe: Recipe) -> None:
        """Make the files of a recipe's data set, once a process."""
        key = _key("dataset", recipe.config["dataset"])
        if key not in self._prepared:
            name = recipe.config["dataset"]["name"]
            self.dataset(recipe).prepare(
                lambda done, total: self.listener.preparing(f"preparing {name}", "clips", done, total)
            )
            self.listener.prepared()
            self._prepared.add(key)

    def find_files(self, recipe: Recipe) -> None:
        """Prepare a data set whose files are there or not; one that makes its own waits until it is used.

        Raises
        ------
        DataError
            When files are missing: said before weights are downloaded or anything is made.
        """
        if isinstance(self.dataset(recipe), Audited):
            self.prepare(recipe)

    def split(self, recipe: Recipe, name: SplitName) -> Split:
        """Return the clips and captions of a split, no frames."""
        self.prepare(recipe)
        dataset = self.dataset(recipe)
        if isinstance(dataset, Dropping) and dataset.drops:
            # Train clips as they are trained on, so that none is decoded twice.
            return self.frames(
                recipe, name, to_train=name == "train"
            ).split  # what cannot be read shows when it is decoded
        key = _key(name, recipe.config["dataset"])
        if key not in self._splits:
            self._splits[key] = dataset.split(name)
        return self._splits[key]

    def fingerprint_fields(self, recipe: Recipe, name: SplitName) -> dict[str, Any]:
        """Collect what the numbers of a split depend on beside the method: `tcmgc.runs.fingerprint`."""
        parts = self.parts(recipe)
        return fingerprint_fields(
            recipe.config,
            self.registry,
            dataset=parts.dataset,
            split=self.split(recipe, name),
            reader=parts.reader,
            sampler=parts.sampler,
            encoder=parts.encoder,
            precision=self.precision,
        )

    def random_sampler(self, recipe: Recipe) -> RandomSampler | None:
        """Return a recipe's sampler, if it is one that draws the frames of every epoch."""
        sampler = self.parts(recipe).sampler
        return sampler if isinstance(sampler, RandomSampler) else None

    def frames(self, recipe: Recipe, name: SplitName, *, to_train: bool = False) -> SplitFrames:
        """Return a split with its frames, which are decoded once or read from the cache.

        Those ``to_train`` on are the candidates of a sampler that draws.
        """
        self.prepare(recipe)
        config, parts = recipe.config, self.parts(recipe)
        size, sampler, sampler_config = parts.encoder.image_size, parts.sampler, config["sampler"]
        if to_train:
            sampler, sampler_config = sampler_to_train(sampler, sampler_config)
        key = _key(name, [config["dataset"], config["reader"], sampler_config, size])
        if key not in self._frames:
            self._frames[key] = load_split(
                parts.dataset,
                name,
                reader=parts.reader,
                reader_config=config["reader"],
                sampler=sampler,
                sampler_config=sampler_config,
                image_size=size,
                progress=lambda done, total: self.listener.preparing(
                    f"decoding the {name} split", "clips", done, total
                ),
                waits=self.listener.waits,
            )
            self.listener.prepared()
            if len(self._frames) > MOST_SPLITS:
                self._frames.popitem(last=False)
        self._frames.move_to_end(key)
        return self._frames[key]

    def _make(self, slot: str, recipe: Recipe) -> Any:
        config = recipe.config[slot]
        key = _key(slot, config)
        if key not in self._made:
            self._made[key] = self.registry.create(slot, config, {}, recipe.resolved.where(slot))
        return self._made[key]


def _key(what: str, config: Mapping[str, Any] | list[Any]) -> str:
    return f"{what} {json.dumps(config)}"
