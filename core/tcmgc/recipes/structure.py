"""What stands in a recipe besides the components' own parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tcmgc.schema import CONFIG, SlotRef


class ViewKeys(BaseModel):
    """Keys of a view that are not its component's."""

    model_config = CONFIG
    of: Annotated[
        Literal["frames", "raw_frames", "patches"],
        Field(description="tokens it looks at: frames (after the stages), raw_frames (before), patches"),
    ] = "frames"
    query: Annotated[
        Literal["sentence", "words"] | None, Field(description="what asks, in a text-conditioned view")
    ] = None
    share: Annotated[str | None, Field(description="the view whose component and weights it uses")] = None


class LossKeys(BaseModel):
    """Keys of a loss that are not its component's."""

    model_config = CONFIG
    weight: Annotated[float, Field(description="its weight in the sum")] = 1.0


class GranularityKeys(BaseModel):
    """One contrast of text vectors with visual vectors."""

    model_config = CONFIG
    text: Annotated[Literal["sentence", "words"], Field(description="the text side")]
    video: Annotated[str, Field(description="the view that gives the visual side")]
    text_matrix: Annotated[bool, Field(description="a learned D x D matrix on the text vectors")] = False
    video_matrix: Annotated[bool, Field(description="a learned D x D matrix on the visual vectors")] = False
    normalize_text: Annotated[bool, Field(description="text vectors at unit norm")] = True
    normalize_video: Annotated[bool, Field(description="visual vectors at unit norm")] = True
    text_mask: Annotated[bool, Field(description="leave padding tokens out")] = True
    video_mask: Annotated[bool, Field(description="leave padding of the visual side out")] = True
    scaled: Annotated[
        bool, Field(description="multiply with the logit scale, where that goes on the parts")
    ] = True
    reorganizer: Annotated[Any, SlotRef("reorganizer")] = None
    interaction: Annotated[Any, SlotRef("interaction")] = None


class LogitScaleKeys(BaseModel):
    """The learned scale of the similarities, exp of CLIP's ``logit_scale``."""

    model_config = CONFIG
    apply: Annotated[
        Literal["parts", "loss", "never"],
        Field(description="on every granularity's score, on the total inside losses only, or nowhere"),
    ] = "parts"
    init: Annotated[float, Field(gt=0, description="its start; CLIP's checkpoints have 100")] = 100.0
    max: Annotated[float, Field(gt=0, description="what training clamps it to")] = 100.0


class SelectionKeys(BaseModel):
    """Which epoch is kept: the best on the validation split."""

    model_config = CONFIG
    metric: Annotated[str, Field(description="a number that a metric gives, as r1")] = "r1"
    direction: Annotated[Literal["t2v", "v2t"], Field(description="which side asks")] = "t2v"


class TrainingKeys(BaseModel):
    """How a model is trained; `SelectionKeys` stand besides under ``selection``."""

    model_config = CONFIG
    epochs: Annotated[int, Field(ge=1, description="passes over the train split")] = 5
    batch_size: Annotated[int, Field(ge=2, description="clips a step, each with one caption")] = 32
    hard_negatives: Annotated[
        bool, Field(description="clips that differ in little meet in one batch, where the data set knows")
    ] = False
    learning_rate: Annotated[float, Field(ge=0, description="of everything after the encoder")] = 1e-4
    encoder_learning_rate: Annotated[float, Field(ge=0, description="of the encoder")] = 1e-7
    optimizer: Annotated[Any, SlotRef("optimizer")] = None
    schedule: Annotated[Any, SlotRef("schedule")] = None
    gradient_clip: Annotated[
        float | None, Field(gt=0, description="largest norm of all gradients together; null: none")
    ] = 1.0


class RecipeKeys(BaseModel):
    """The top of a recipe whose values are plain; the other sections are in `SECTIONS`."""

    model_config = CONFIG
    schema_version: Annotated[Literal[1], Field(description="of this format")] = 1
    summary: Annotated[str, Field(description="one line for listings")] = ""
    paper: Annotated[str, Field(description="where the method was published")] = ""
    protocol: Annotated[
        str | None, Field(description="the protocol of `tcmgc run`, by name or file, unless another is given")
    ] = None
    trained: Annotated[bool, Field(description="false: evaluated as it starts")] = True
    empty_items: Annotated[
        Literal["refuse", "refuse-videos", "score"],
        Field(
            description="texts without words and videos without frames: an error, an error of videos alone, "
            "or scored"
        ),
    ] = "refuse"
    variants: Annotated[
        dict[str, list[str]], Field(description="named lists of dotted overrides, for --variant")
    ] = Field(default_factory=dict)
    official_names: Annotated[
        dict[str, str | None],
        Field(
            description="official checkpoint names to ours; a trailing * stands for the rest of a name, "
            "stages.video.lstm. for the first stage that is an lstm; "
            "null: what the official code saves and never reads"
        ),
    ] = Field(default_factory=dict)
    official_refused: Annotated[
        dict[str, str],
        Field(description="official checkpoint names that `tcmgc import` refuses, and why"),
    ] = Field(default_factory=dict)
    official_protocol: Annotated[
        str | None,
        Field(description="the protocol by which official checkpoints read videos and captions"),
    ] = None


PROTOCOL_SECTIONS = {
    "dataset": "clips, captions and splits",
    "reader": "what decodes video files",
    "sampler": "which frames of a video are looked at",
    "encoder": "captions and frames to features",
    "training": "epochs, batches, rates, optimizer, schedule and selection",
}
"""What an experiment holds fixed over the methods that it compares."""

SECTIONS = {
    **PROTOCOL_SECTIONS,
    "stages": "feature stages by side: {text: [...], video: [...]}",
    "views": "video views by name",
    "granularities": "contrasts by name, in the order that the aggregator sees",
    "aggregator": "how the granularities' scores become one; may be left out where there is one",
    "scorer": "a component in place of views, granularities and aggregator",
    "losses": "losses by name; a number is the weight",
    "normalizer": "test-time normalisation",
    "logit_scale": "the learned scale of the similarities",
}
