"""Measuring the conditions: two suites are run, their models looked at, and nothing is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tcmgc.api import plan, run
from tcmgc.app import current_registry
from tcmgc.engine.encode import encode
from tcmgc.engine.encoded_model import build_encoded
from tcmgc.engine.score import score
from tcmgc.errors import ConfigError
from tcmgc.experiments.session import Session
from tcmgc.runs.model_file import read_model
from tcmgc.runs.run_folder import WEIGHTS
from tcmgc_plugins.datasets.storyshapes.dataset import StoryShapes
from tcmgc_plugins.encoders.storyshapes_clip.pictures_seen import training_compositions

from . import conditions
from .conditions import Condition, mean_of
from .moments import mean_scores, oracle_scores
from .shuffling import first_places, predicted_first_places, told_apart

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.frames import SplitFrames
    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.experiments.listener import Listener
    from tcmgc.experiments.plan import Plan
    from tcmgc.experiments.run import Outcome

SHUFFLES = 5
"""Random orders that are averaged."""


def measure(
    board: str,
    motion: str,
    out: Path,
    *,
    device: str = "auto",
    listener: Listener | None = None,
) -> list[Condition]:
    """Run what has to be run and measure every condition.

    Parameters
    ----------
    board
        The suite whose best recipe and zero-shot row are looked at.
    motion
        A suite with one row: a model that looks at the order of frames, trained long enough to use it.
    out
        Folder of the runs; finished ones are not repeated.
    device
        As `tcmgc.run` takes it.
    listener
        Is told how far the runs are.
    """
    boarded = run(board, out / "board", device=device, listener=listener)
    moved = run(motion, out / "motion", device=device, listener=listener)
    for outcome in (boarded, moved):
        for failure in outcome.failures:  # a table of what is left would be a table of something else
            raise failure.error
    return [
        *_of_board(plan(board), boarded, device),
        *_of_motion(plan(motion), moved, device),
    ]


def _of_board(planned: Plan, outcome: Outcome, device: str) -> list[Condition]:
    by_label: dict[str, list[float]] = {}
    for one in outcome.finished:
        by_label.setdefault(one.record.label, []).append(one.record.metrics["t2v"].values["r1"])
    best = max(by_label, key=lambda label: float(np.mean(by_label[label])))
    row = next((row for row in planned.rows if not row.recipe.config["trained"]), None)
    if row is None:
        raise ConfigError(
            f"suite {planned.name}", found="no row with trained: false", expected="clip-zero-shot"
        )
    session = Session(current_registry(), device)
    dataset = session.parts(row.recipe).dataset
    if not isinstance(dataset, StoryShapes):
        raise ConfigError(
            f"suite {planned.name}", found=type(dataset).__name__, expected="the data set storyshapes"
        )
    data = session.frames(row.recipe, "test")
    parts = session.parts(row.recipe)
    _refuse_other_captions(data)
    model = build_encoded(row.recipe, parts.encoder, parts.sampler.frames, session.registry, 0)
    text, video = encode(session.fabric, model, data)
    sentence, frames = text.tokens("sentence").values[:, 0].cpu(), video.frames.values.cpu()
    with torch.inference_mode():
        pooled = first_places(mean_scores(sentence, frames, data).numpy())
        known = first_places(oracle_scores(sentence, frames, data).numpy())
    cluster = np.arange(len(data.split.captions)) // 2
    shown = {scene.composition for story in dataset.stories("test") for scene in story.scenes}
    drawn, pictures = training_compositions()
    return [
        conditions.gallery(len(data.split.clips)),
        conditions.leakage(len(shown & drawn), pictures, len(data.split.clips)),
        conditions.zero_shot(mean_of(100 * pooled, cluster)),
        conditions.best_recipe(best, float(np.mean(by_label[best]))),
        conditions.moments(mean_of(100 * (known - pooled), cluster)),
    ]


def _of_motion(planned: Plan, outcome: Outcome, device: str) -> list[Condition]:
    session = Session(current_registry(), device)
    recipe, found = planned.rows[0].recipe, outcome.finished[0]
    data, parts = session.frames(recipe, "test"), session.parts(recipe)
    _refuse_other_captions(data)
    model = build_encoded(recipe, session.encoder(recipe), parts.sampler.frames, session.registry, 0)
    read_model(found.folder / WEIGHTS, model)
    ordered = score(session.fabric, model, data).total.numpy()
    motion = np.array(["motion" in caption.tags for caption in data.split.captions])
    shuffled_hits, shuffled_apart = _shuffled(session, model, data)
    hits, predicted = first_places(ordered), predicted_first_places(ordered, motion)
    cluster = np.arange(len(hits)) // 2
    of_motion = np.unique(cluster[motion], return_inverse=True)[1]
    return [
        conditions.telling_motion(_above_half(told_apart(ordered)[motion], of_motion)),
        conditions.blind_without_order(_above_half(shuffled_apart[motion], of_motion)),
        conditions.shuffling(
            mean_of(100 * (hits - shuffled_hits), cluster),
            mean_of(100 * (hits - predicted), cluster),
            mean_of(100 * (predicted - shuffled_hits), cluster),
            share=100 * float(motion.mean()),
        ),
    ]


def _refuse_other_captions(data: SplitFrames) -> None:
    """Refuse several captions a video: then captions and videos are not partners row by row."""
    if len(data.split.captions) != len(data.split.clips):
        raise ConfigError(
            "dataset.captions", found=data.split.caption_rule, expected="1: partners stand side by side"
        )


def _shuffled(session: Session, model: EncodedModel, data: SplitFrames) -> tuple[np.ndarray, np.ndarray]:
    hits, apart = [], []
    for seed in range(SHUFFLES):
        similarity = score(session.fabric, model, data, frame_order="shuffled", seed=seed).total.numpy()
        hits.append(first_places(similarity))
        apart.append(told_apart(similarity))
    return np.mean(hits, axis=0), np.mean(apart, axis=0)


def _above_half(apart_T: np.ndarray, cluster_T: np.ndarray) -> conditions.Mean:
    """Return the mean in percent, with the p-value of its distance from 50."""
    above = mean_of(100 * apart_T - 50, cluster_T)
    return conditions.Mean(above.value + 50, above.low + 50, above.high + 50, above.p)
