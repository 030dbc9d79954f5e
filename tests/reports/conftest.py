"""Run directories as ``tcmgc run`` leaves them, of ranks that a test knows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tcmgc.ranking import Ranking
from tcmgc_plugins.metrics.mean_rank import MeanRank
from tcmgc_plugins.metrics.median_rank import MedianRank
from tcmgc_plugins.metrics.recall import Recall
from tcmgc_plugins.metrics.sum_recall import SumRecall

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Place = int | tuple[int, int, int]
"""A rank without ties, or above, size and relevant of the best tie group."""
ITEMS = 50
FIELDS = {"dataset": "storyshapes", "frames": 12, "clips_found": ITEMS, "clips_expected": ITEMS}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class RunsOut:
    """A folder as ``tcmgc run --out`` fills it."""

    path: Path

    def add(
        self,
        label: str,
        t2v: Sequence[Place],
        v2t: Sequence[Place] | None = None,
        *,
        seed: int = 0,
        clusters: Sequence[str] | None = None,
        clips: Sequence[str] | None = None,
        items: int = ITEMS,
        tags: Sequence[Sequence[str]] = (),
        fields: dict[str, Any] = FIELDS,
        config: str = "",
        sources: dict[str, str] | None = None,
        epochs: int = 3,
        suffix: str = "",
        **changes: Any,
    ) -> Path:
        """Write a run; ``clips`` are the clusters of v2t, and ``changes`` go into its record."""
        sources = sources or {}
        ranks = {
            "t2v": ranks_of(t2v, clusters, tags, items),
            "v2t": ranks_of(v2t or t2v, clips or clusters, tags, items),
        }
        parts = {
            "config": sha(label + config),
            "seed": seed,
            "weights": sha("weights"),
            "fingerprint": sha(json.dumps(fields)),
            "sources": sources,
        }
        identity = sha(json.dumps(parts))
        record = {
            "schema_version": 1,
            "label": label,
            "recipe": "tcmgc",
            "variant": None,
            "overrides": [],
            "seed": seed,
            "trained": True,
            "identity": identity,
            "identity_parts": parts,
            "protocol": "storyshapes-quick",
            "fingerprint": parts["fingerprint"],
            "fingerprint_fields": fields,
            "dataset": "storyshapes quick",
            "split": "test",
            "metrics": {direction: metrics_of(found) for direction, found in ranks.items()},
            "selection": {"epoch": 2, "metric": "r1", "direction": "t2v", "value": 41.5},
            "test_access": [{"time": "2026-01-01T00:00:00Z", "reason": "after selection"}],
            "cost": {
                "train_seconds": 30.0 + seed,
                "evaluate_seconds": 2.5,
                "parameters": 1_500_000,
                "new_parameters": 200_000,
                "trained_parameters": 1_500_000,
                "microseconds_per_pair": 1.25,
                "peak_memory_bytes": None,
            },
            "environment": {"torch": "2.5.1", "device": "cpu"},
            "components": {"aggregator lsa": "tcmgc_plugins.aggregators.lsa:LinearSoftmax"},
            "text_conditioned": True,
            "normalizer": None,
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:01:00Z",
        } | changes
        history = {
            "schema_version": 1,
            "epochs": [
                {"epoch": e, "loss": 3.0 / e, "val": {"t2v": {"r1": 20.0 * e}}, "seconds": 1.0}
                for e in range(1, epochs + 1)
            ],
            "steps": [{"step": s, "loss": 4.0 / s} for s in range(1, 20 * epochs + 1)],
        }
        folder = self.path / "runs" / f"{sha(label)[:6]}-seed{seed}-{identity[:12]}{suffix}"
        folder.mkdir(parents=True)
        files = {"record": record, "ranks": {"schema_version": 1} | ranks, "history": history}
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        return folder

    def suite(self, *comparisons: tuple[str, str, str], **more: Any) -> None:
        """Write the suite; a comparison is a title, a row and another."""
        named = [{"title": t, "question": f"{t}?", "row": r, "against": a} for t, r, a in comparisons]
        content = {"schema_version": 1, "name": "quick", "comparisons": named} | more
        (self.path / "suite.json").write_text(json.dumps(content), encoding="utf-8")


def ranks_of(
    places: Sequence[Place], clusters: Sequence[str] | None, tags: Sequence[Sequence[str]], items: int
) -> dict[str, Any]:
    groups = [(place - 1, 1, 1) if isinstance(place, int) else place for place in places]
    return {
        "items": items,
        "query": [f"q{index}" for index in range(len(places))],
        "cluster": list(clusters or [f"clip{index}" for index in range(len(places))]),
        "above": [above for above, _, _ in groups],
        "size": [size for _, size, _ in groups],
        "relevant": [relevant for _, _, relevant in groups],
        "top": [[] for _ in places],
        "tags": [list(own) for own in tags] or [[] for _ in places],
    }


def metrics_of(ranks: dict[str, Any]) -> dict[str, Any]:
    """What the registered metrics say of ranks."""
    columns = [np.array(ranks[name]) for name in ("above", "size", "relevant")]
    queries = len(ranks["query"])
    ranking = Ranking(*columns, start=np.arange(queries + 1), items=ranks["items"])
    measures = [Recall(), MedianRank(), MeanRank(), SumRecall()]
    found: dict[str, Any] = {
        policy: {key: value for measure in measures for key, value in measure(ranking, policy).items()}
        for policy in ("optimistic", "expected", "pessimistic")
    }
    found["values"] = found["expected"]
    return found | {"queries": queries, "items": ranks["items"], "tied_queries": ranking.tied_queries}


@pytest.fixture
def runs(tmp_path: Path) -> RunsOut:
    """An empty folder to add runs to."""
    return RunsOut(tmp_path / "out")


@pytest.fixture
def random_ranks() -> Callable[[float, int], list[int]]:
    """Makes ranks of 40 queries; the higher the first number, the better."""

    def make(quality: float, seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        hard = np.random.default_rng(99).normal(size=40)
        return [int(r) for r in 1 + np.clip(rng.normal(4 - quality, 2, 40) + 2 * hard, 0, ITEMS - 1)]

    return make
