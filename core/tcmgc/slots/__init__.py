"""The slots of a model: one contract, a Protocol, in each file of this package.

``SLOTS`` maps the name of a slot, which is also the name of its method on `tcmgc.Register`, to
where its contract stands. Contracts import torch, so they are named here and imported when used.
"""

from __future__ import annotations

SLOTS: dict[str, str] = {
    "dataset": "tcmgc.slots.dataset:Dataset",
    "reader": "tcmgc.slots.reader:Reader",
    "sampler": "tcmgc.slots.sampler:Sampler",
    "encoder": "tcmgc.slots.encoder:Encoder",
    "stage": "tcmgc.slots.stage:FeatureStage",
    "view": "tcmgc.slots.view:VideoView",
    "reorganizer": "tcmgc.slots.reorganizer:Reorganizer",
    "interaction": "tcmgc.slots.interaction:Interaction",
    "aggregator": "tcmgc.slots.aggregator:ScoreAggregator",
    "scorer": "tcmgc.slots.scorer:Scorer",
    "kernel": "tcmgc.slots.kernel:ContrastKernel",
    "loss": "tcmgc.slots.loss:Loss",
    "optimizer": "tcmgc.slots.optimizer:Optimizer",
    "schedule": "tcmgc.slots.schedule:Schedule",
    "normalizer": "tcmgc.slots.normalizer:Normalizer",
    "metric": "tcmgc.slots.metric:Metric",
}
