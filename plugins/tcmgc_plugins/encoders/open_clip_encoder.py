"""The `open-clip` encoder: any CLIP that open_clip can make, by tag or from a local file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import open_clip
import torch
from open_clip.model import get_model_preprocess_cfg
from pydantic import Field
from torch import Tensor, nn

from tcmgc.errors import ConfigError
from tcmgc.features import TextFeatures, Tokens, VideoFeatures

from .captions import CaptionTokens, Rule, TooLong
from .freezing import Freeze, freeze_weights
from .official_clip import read_clip, write_clip
from .open_clip_model import create_clip, create_tokenizer, image_size_in_config
from .text_tower import TextTower

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc.slots.encoder import OfficialWeights, TokenIds
    from tcmgc.slots.text_start import TextStart

FLOAT16 = "the average of squared gradients is 0 in float16 below |gradient| = 1.2e-3"


class OpenClip(nn.Module):
    """CLIP towers through open_clip.

    Sentence: the projected state at the end token. Words: the projected states of all W positions, start,
    end and padding included. Frames: the projected class token of each frame. Patches: the projected
    tokens of each frame, the class token first. None is normalised.

    Parameters
    ----------
    model
        A model of open_clip: a name, a JSON file with a configuration, ``hf-hub:ORGANISATION/NAME``, or
        ``local-dir:FOLDER`` with an ``open_clip_config.json`` and weights; or a configuration itself, as a
        mapping. It takes square images.
    pretrained
        A tag of open_clip, a local checkpoint (``.safetensors``, ``.pt``, ``.bin``; pickles are read with
        ``weights_only``), ``storyshapes`` for the weights that ship with ``StoryShapes-ViT``, or null for
        initial weights. Models of ``hf-hub:`` and ``local-dir:`` bring their weights, and take null.
    words
        W, token positions a caption, start and end included; longer captions are cut. A text tower that
        gives no words reads its whole context, whatever is asked for: it may read the padding, too.
    freeze
        ``nothing``, ``embeddings`` (what CLIP4Clip freezes: token, patch, class and position embeddings and
        the first layer norm), or ``all``: features are then computed once.
    freeze_layers
        With ``embeddings``: how many blocks of each tower, from the first, are frozen too; CLIP4Clip's
        ``freeze_layer_num``.
    tokenizer
        ``own``, as open_clip has it for the model; ``clip``, as the official loaders have it: they differ
        for captions that hold ``<|startoftext|>`` or ``<|endoftext|>`` literally.
    too_long
        What is done with a caption of more than ``words`` tokens: ``cut``, which keeps its end token, or
        ``refuse``.
    weights
        ``float32``. ``float16``, in which the official codes train CLIP's matrices, is refused: see
        docs/decisions/0044.
    padding
        What stands in for the frames that a short video lacks, where a recipe looks at them: ``zero``, an
        image that is zero after normalisation, as CLIP4Clip and its descendants have it, or ``last``, the
        last frame again, as X-Pool has it. The mask tells them from real ones either way.
    """

    paper: ClassVar[str] = "CLIP, arXiv:2103.00020; open_clip, doi:10.5281/zenodo.5143773"

    def __init__(
        self,
        *,
        model: str | dict[str, Any] = "ViT-B-32-quickgelu",
        pretrained: str | None = "openai",
        words: Annotated[int, Field(ge=3)] = 32,
        freeze: Freeze = "embeddings",
        freeze_layers: Annotated[int, Field(ge=0)] = 0,
        tokenizer: Rule = "own",
        too_long: TooLong = "cut",
        weights: Literal["float32", "float16"] = "float32",
        padding: Literal["zero", "last"] = "zero",
    ) -> None:
        super().__init__()
        if weights == "float16":
            raise ValueError(f"weights: float16 is not trained here: {FLOAT16}; float32 is")
        self.clip: Any
        self.mean: Tensor
        self.std: Tensor
        self.clip, name = create_clip(model, pretrained)
        self.text_tower = TextTower(self.clip, name)
        own_tokenizer = create_tokenizer(name)
        self.words: int = words if self.text_tower.gives_words else own_tokenizer.context_length
        if self.text_tower.gives_words and words > self.text_tower.positions:
            raise ConfigError(
                "encoder.words",
                found=f"{words}, but the text tower of {name} has {self.text_tower.positions} positions",
                expected=f"at most {self.text_tower.positions}",
            )
        self._caption_tokens = CaptionTokens(own_tokenizer, name, self.words, tokenizer, too_long)
        self.model_name = name
        self.padding = padding
        self.image_size = _side(self.clip.visual.image_size, name)
        self.dim = self._joint_width()
        self.patches = self._count_patches()
        self.logit_scale = float(self.clip.logit_scale.detach().exp())
        self.frozen = freeze == "all"
        self.weights_sha256 = _digest(self.clip)
        preprocess = get_model_preprocess_cfg(self.clip)
        self.version = _version(open_clip.get_model_config(name), preprocess)
        self.register_buffer("mean", 255 * torch.tensor(preprocess["mean"]).view(3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(preprocess["std"]).view(3, 1, 1), persistent=False)
        freeze_weights(self.clip, freeze, freeze_layers)

    @staticmethod
    def image_size_of(config: Mapping[str, Any]) -> int | None:
        """Say which images the model of a config takes, without its weights."""
        return image_size_in_config(config["model"])

    @property
    def gives(self) -> frozenset[str]:
        """What its towers can give."""
        words = {"words"} if self.text_tower.gives_words else set()
        patches = {"patches"} if self.patches else set()
        return frozenset({"sentence", "frames"} | words | patches)

    def text_start(self) -> TextStart | None:
        """Return the text tower's weights, for what starts from them."""
        return self.text_tower.start()

    def tokenize(self, texts: Sequence[str]) -> TokenIds:
        """Tokenise captions: ids and mask [T, W]."""
        return self._caption_tokens(texts)

    def encode_text(self, tokens: TokenIds, inputs: frozenset[str]) -> TextFeatures:
        """Encode captions: sentence [T, D], words [T, W, D] where they are asked for."""
        sentence, words = self.text_tower(tokens.ids, words="words" in inputs)
        return TextFeatures(sentence, None if words is None else Tokens(words, tokens.mask))

    def encode_video(self, pixels: Tensor, mask: Tensor, inputs: frozenset[str]) -> VideoFeatures:
        """Encode frames: frames [V, F, D], patches [V, F (1 + n), D] where they are asked for.

        No image is computed twice: all padding is one image, or a real one.
        """
        V, F = mask.shape
        images = pixels[mask].permute(0, 3, 1, 2).to(self.mean.dtype)
        images = (images - self.mean) / self.std
        all_real = len(images) == V * F
        place = torch.full((V, F), len(images), device=mask.device)
        place[mask] = torch.arange(len(images), device=mask.device)
        if self.padding == "last":
            last_V1 = mask.sum(dim=1, keepdim=True) - 1  # real frames come first
            place = torch.where(mask, place, place.gather(1, last_V1.clamp(min=0)))
        if place.max() == len(images):
            images = torch.cat([images, images.new_zeros(1, *images.shape[1:])])
        frames, patches = self._encode_images(images, patches="patches" in inputs)
        if not all_real:
            frames = frames[place.flatten()]
            patches = None if patches is None else patches[place.flatten()]
        extra = {}
        if patches is not None:
            n, D = patches.shape[1:]
            extra["patches"] = Tokens(patches.reshape(V, F * n, D), mask.repeat_interleave(n, dim=1))
        return VideoFeatures(Tokens(frames.reshape(V, F, -1), mask), extra=extra)

    @classmethod
    def read_official(cls, tensors: Mapping[str, Tensor], where: str) -> OfficialWeights:
        """Find CLIP under ``clip.``, by OpenAI's names or by Hugging Face's."""
        return read_clip(tensors, where)

    def write_official(self, names: str) -> dict[str, Tensor]:
        """Return CLIP under ``clip.``, by OpenAI's names (``clip``) or by Hugging Face's (``hf``)."""
        return write_clip(self.state_dict(), open_clip.get_model_config(self.model_name), names)

    def _encode_images(self, images: Tensor, *, patches: bool) -> tuple[Tensor, Tensor | None]:
        visual = self.clip.visual
        if not patches:
            return self.clip.encode_image(images), None
        visual.output_tokens = True
        try:
            pooled, tokens = visual(images)
        finally:
            visual.output_tokens = False
        return pooled, torch.cat([pooled[:, None], tokens @ visual.proj], dim=1)

    def _joint_width(self) -> int:
        width = getattr(self.clip.visual, "output_dim", None)
        if isinstance(width, int):
            return width
        with torch.no_grad():
            image = torch.zeros(1, 3, self.image_size, self.image_size)
            return int(self.clip.encode_image(image).shape[-1])

    def _count_patches(self) -> int:
        """Tokens a frame, of a vision transformer whose class token is pooled after the last norm."""
        visual = self.clip.visual
        fits = (
            isinstance(visual, open_clip.transformer.VisionTransformer)
            and visual.attn_pool is None
            and visual.pool_type == "tok"
            and not visual.final_ln_after_pool
            and visual.proj is not None
        )
        return 1 + visual.grid_size[0] * visual.grid_size[1] if fits else 0


def _side(image_size: int | Sequence[int], name: str) -> int:
    """Return the side of the images that a model takes."""
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    if height != width:
        raise ConfigError(
            "encoder.model",
            found=f"{name}, which takes images of {height} x {width} pixels",
            expected="a model of square images: frames are cut to squares",
        )
    return height


def _version(config: Any, preprocess: Any) -> str:
    """Name the library and, by a digest, a model's configuration and its images' mean and deviation.

    The same weights are another model under another number of heads, activation or pooling.
    """
    about = json.dumps([config, preprocess], sort_keys=True)
    return f"open_clip {open_clip.__version__}, model {hashlib.sha256(about.encode()).hexdigest()[:12]}"


def _digest(module: nn.Module) -> str:
    """SHA-256 of all weights by name, whatever file they came from."""
    digest = hashlib.sha256()
    for key, tensor in sorted(module.state_dict().items()):
        digest.update(f"{key} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
