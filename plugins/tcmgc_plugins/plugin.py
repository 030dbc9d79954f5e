"""What ships, registered through the same entry point that a third party uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.hooks import hookimpl

if TYPE_CHECKING:
    from tcmgc.register import Register


@hookimpl
def tcmgc_register(register: Register) -> None:
    """Register every component of this package; none is imported before it is used."""
    _data(register)
    _models(register)
    _training(register)
    _evaluation(register)


def _data(register: Register) -> None:
    register.dataset("storyshapes", "tcmgc_plugins.datasets.storyshapes.dataset:StoryShapes")
    register.dataset("msr-vtt", "tcmgc_plugins.datasets.msr_vtt.dataset:MsrVtt")
    register.dataset("didemo", "tcmgc_plugins.datasets.didemo.dataset:Didemo")
    register.dataset("vatex", "tcmgc_plugins.datasets.vatex.dataset:Vatex")
    register.dataset("msvd", "tcmgc_plugins.datasets.msvd.dataset:Msvd")
    register.dataset("activitynet", "tcmgc_plugins.datasets.activitynet.dataset:ActivityNet")
    register.dataset("folder", "tcmgc_plugins.datasets.folder.dataset:Folder")
    register.command(
        "calibrate",
        "tcmgc_plugins.datasets.storyshapes.calibration.command:calibrate",
        help="Measure whether StoryShapes is fit to measure with.",
    )

    register.reader("decord", "tcmgc_plugins.readers.decord_reader:DecordReader")
    register.reader("pyav", "tcmgc_plugins.readers.pyav_reader:PyavReader")
    register.reader("decord-else-pyav", "tcmgc_plugins.readers.decord_else_pyav:DecordElsePyav")

    register.sampler("uniform", "tcmgc_plugins.samplers.uniform:Uniform")
    register.sampler("segment", "tcmgc_plugins.samplers.segment:Segment")
    register.sampler("fps-then-uniform", "tcmgc_plugins.samplers.fps_then_uniform:FpsThenUniform")
    register.sampler("stride-then-uniform", "tcmgc_plugins.samplers.stride_then_uniform:StrideThenUniform")
    register.sampler("intervals", "tcmgc_plugins.samplers.intervals:Intervals")


def _models(register: Register) -> None:
    register.encoder("open-clip", "tcmgc_plugins.encoders.open_clip_encoder:OpenClip")

    register.stage("transformer", "tcmgc_plugins.stages.transformer:TemporalTransformer")
    register.stage("lstm", "tcmgc_plugins.stages.lstm:TemporalLSTM")
    register.stage("last-word", "tcmgc_plugins.stages.last_word:LastWord")
    register.stage("patch-selection", "tcmgc_plugins.stages.patch_selection:PatchSelection")

    register.view("identity", "tcmgc_plugins.views.identity:Identity")
    register.view("mean", "tcmgc_plugins.views.mean:Mean")
    register.view("attention", "tcmgc_plugins.views.attention:Attention")
    register.view("top-k", "tcmgc_plugins.views.top_k:TopK")
    register.view("similarity-attention", "tcmgc_plugins.views.similarity_attention:SimilarityAttention")

    register.reorganizer("prune", "tcmgc_plugins.reorganizers.prune:Prune")
    register.reorganizer("fuse", "tcmgc_plugins.reorganizers.fuse:Fuse")
    register.reorganizer("bi-prune", "tcmgc_plugins.reorganizers.bi_prune:BiPrune")

    register.interaction("aosm", "tcmgc_plugins.interactions.aosm:Aosm")
    register.interaction("bi-aosm", "tcmgc_plugins.interactions.aosm:BiAosm")
    register.interaction("isa", "tcmgc_plugins.interactions.isa:Isa")
    register.interaction("bi-isa", "tcmgc_plugins.interactions.isa:BiIsa")
    register.interaction("wti", "tcmgc_plugins.interactions.wti:WeightedTokenInteraction")

    register.aggregator("mean", "tcmgc_plugins.aggregators.mean:Mean")
    register.aggregator("lsa", "tcmgc_plugins.aggregators.lsa:LinearSoftmax")

    register.scorer("cross-encoder", "tcmgc_plugins.scorers.cross_encoder:CrossEncoder")

    register.kernel("triton-attention", "tcmgc_plugins.kernels.triton_attention:TritonAttention")


def _training(register: Register) -> None:
    register.loss("infonce", "tcmgc_plugins.losses.infonce:InfoNCE")
    register.loss("sdr", "tcmgc_plugins.losses.sdr:SimilarityDecorrelation")
    register.loss("cdcr", "tcmgc_plugins.losses.cdcr:ChannelDecorrelation")

    register.optimizer("adamw", "tcmgc_plugins.optimizers.adamw:AdamW")
    register.optimizer("bert-adam", "tcmgc_plugins.optimizers.bert_adam:BertAdam")
    register.optimizer("transformers-adamw", "tcmgc_plugins.optimizers.transformers_adamw:TransformersAdamW")

    register.schedule("constant", "tcmgc_plugins.schedules.constant:Constant")
    register.schedule("warmup-cosine", "tcmgc_plugins.schedules.warmup_cosine:WarmupCosine")
    register.schedule("warmup-linear", "tcmgc_plugins.schedules.warmup_linear:WarmupLinear")


def _evaluation(register: Register) -> None:
    register.normalizer("dual-softmax", "tcmgc_plugins.normalizers.dual_softmax:DualSoftmax")
    register.normalizer("qb-norm", "tcmgc_plugins.normalizers.qb_norm:QueryBank")
    register.normalizer("sinkhorn", "tcmgc_plugins.normalizers.sinkhorn:Sinkhorn")

    register.metric("recall", "tcmgc_plugins.metrics.recall:Recall")
    register.metric("median-rank", "tcmgc_plugins.metrics.median_rank:MedianRank")
    register.metric("mean-rank", "tcmgc_plugins.metrics.mean_rank:MeanRank")
    register.metric("sum-recall", "tcmgc_plugins.metrics.sum_recall:SumRecall")
    register.metric("mean-reciprocal-rank", "tcmgc_plugins.metrics.mean_reciprocal_rank:MeanReciprocalRank")
    register.metric("ndcg", "tcmgc_plugins.metrics.ndcg:NDCG")
