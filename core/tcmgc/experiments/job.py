"""A run before it starts: what it is, and whether all that it needs is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tcmgc.engine.encoded_model import build_encoded
from tcmgc.engine.settings import TrainingSettings
from tcmgc.engine.validation import Validation
from tcmgc.errors import ConfigError
from tcmgc.recipes.structure import PROTOCOL_SECTIONS
from tcmgc.runs.fingerprint import fingerprint
from tcmgc.runs.identity import identity, identity_parts

if TYPE_CHECKING:
    from tcmgc.data.clip import SplitName
    from tcmgc.recipes.load import Recipe
    from tcmgc.slots.encoder import Encoder

    from .plan import Row
    from .session import Session

TEST: Final = "test"


@dataclass(frozen=True)
class Job:
    """One run.

    Parameters
    ----------
    row
        Its method.
    seed
        Of initial weights, orders and draws.
    fields
        Of the fingerprint.
    parts
        Of the identity.
    """

    row: Row
    seed: int
    fields: dict[str, Any]
    parts: dict[str, Any]

    @property
    def identity(self) -> str:
        """SHA-256 of the parts."""
        return identity(self.parts)

    @property
    def weight(self) -> float:
        """About how long it takes, in arbitrary units: for the time left."""
        config = self.row.recipe.config
        return float(1 + config["training"]["epochs"]) if config["trained"] else 1.0


def check_row(session: Session, recipe: Recipe) -> None:
    """Make everything a complete row needs, once and without data, so that a mistake is said at once.

    Raises
    ------
    ConfigError, DataError, PluginError
        For the first mistake.
    """
    parts = session.parts(recipe)
    head = build_encoded(recipe, parts.encoder, parts.sampler.frames, session.registry, 0).head
    _refuse_absent_features(recipe, parts.encoder, head.inputs)
    if (normalizer := recipe.config["normalizer"]) is not None:
        session.registry.create("normalizer", normalizer, {}, recipe.resolved.where("normalizer"))
    if recipe.config["trained"]:
        training_settings(session, recipe)
        if not head.losses:
            raise ConfigError(
                recipe.resolved.where("losses"), found="no loss", expected="at least one, or trained: false"
            )


def check_selection(session: Session, recipe: Recipe) -> None:
    """Refuse a selection that no metric gives; needs the validation split's captions."""
    if recipe.config["trained"]:
        selection = recipe.config["training"]["selection"]
        Validation(
            session.split(recipe, "val"),
            session.registry.create_all("metric"),
            selection["metric"],
            selection["direction"],
        )


def training_settings(session: Session, recipe: Recipe) -> TrainingSettings:
    """Make the optimizer and the schedule, and collect the rest."""
    training = recipe.config["training"]
    made = {
        slot: session.registry.create(slot, training[slot], {}, recipe.resolved.where("training", slot))
        for slot in ("optimizer", "schedule")
    }
    plain = {key: value for key, value in training.items() if key not in {*made, "selection"}}
    selection = {f"selection_{key}": value for key, value in training["selection"].items()}
    return TrainingSettings(**plain, **made, **selection)


def make_job(session: Session, row: Row, seed: int) -> Job:
    """Decide the identity of a run; its data set is prepared."""
    recipe = row.recipe
    fields = session.fingerprint_fields(recipe, TEST)
    return Job(
        row,
        seed,
        fields,
        identity_parts(
            recipe,
            session.registry,
            seed=seed,
            fingerprint=fingerprint(fields),
            encoder=session.parts(recipe).encoder,
            splits=[session.split(recipe, name) for name in _read_besides(session, recipe)],
        ),
    )


def _read_besides(session: Session, recipe: Recipe) -> list[SplitName]:
    """Name the splits that a run reads besides the one that is evaluated."""
    if recipe.config["trained"]:
        return ["train", "val"]
    config = recipe.config["normalizer"]
    needs = None if config is None else session.registry.create("normalizer", config, {}).needs
    return ["train"] if needs == "bank" else []  # a normalizer's bank is the train split


def refuse_incomplete(session: Session, recipe: Recipe, *, to_train: bool) -> None:
    """Refuse a recipe without the sections that a run, or an evaluation, needs."""
    config, known = recipe.config, sorted(session.registry.protocol_files)
    for section in PROTOCOL_SECTIONS:
        if config[section] is None and (to_train or section != "training"):
            raise ConfigError(
                f"{section} of recipe {recipe.name!r}",
                found="none",
                expected="a protocol that has one, or one in the recipe",
                hint=f"--protocol {' | '.join(known)}" if known else None,
            )
    for slot in ("optimizer", "schedule") if to_train else ():
        if config["training"][slot] is None:
            raise ConfigError(
                recipe.resolved.where("training", slot),
                found="none",
                expected=f"one of {', '.join(session.registry.names(slot))}",
            )


def _refuse_absent_features(recipe: Recipe, encoder: Encoder, inputs: frozenset[str]) -> None:
    """Refuse an encoder that says what it gives, and gives less than the recipe reads."""
    gives: frozenset[str] | None = getattr(encoder, "gives", None)
    if gives is not None and (absent := sorted(inputs - gives)):
        raise ConfigError(
            recipe.resolved.where("encoder"),
            found=f"{getattr(encoder, 'model_name', recipe.config['encoder']['name'])}, whose towers give "
            f"{', '.join(sorted(gives))}",
            expected=f"one that gives {' and '.join(absent)}, which recipe {recipe.name!r} reads",
        )
