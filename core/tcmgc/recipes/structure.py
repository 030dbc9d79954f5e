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


class RecipeKeys(BaseModel):
    """The top of a recipe whose values are plain; the other sections are in `SECTIONS`."""

    model_config = CONFIG
    schema_version: Annotated[Literal[1], Field(description="of this format")] = 1
    summary: Annotated[str, Field(description="one line for listings")] = ""
    paper: Annotated[str, Field(description="where the method was published")] = ""
    variants: Annotated[
        dict[str, list[str]], Field(description="named lists of dotted overrides, for --variant")
    ] = Field(default_factory=dict)
    official_names: Annotated[
        dict[str, str],
        Field(description="official checkpoint names to ours; a trailing * stands for the rest of a name"),
    ] = Field(default_factory=dict)


SECTIONS = {
    "stages": "feature stages by side: {text: [...], video: [...]}",
    "views": "video views by name",
    "granularities": "contrasts by name, in the order that the aggregator sees",
    "aggregator": "how the granularities' scores become one; may be left out where there is one",
    "scorer": "a component in place of views, granularities and aggregator",
    "losses": "losses by name; a number is the weight",
    "normalizer": "test-time normalisation",
    "logit_scale": "the learned scale of the similarities",
}
