"""The `open-clip` encoder: any CLIP that open_clip can make, by tag or from a local file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import open_clip
import torch
from open_clip.model import get_model_preprocess_cfg
from open_clip.tokenizer import SimpleTokenizer
from pydantic import Field
from torch import Tensor, nn

from tcmgc.errors import ConfigError
from tcmgc.features import TextFeatures, Tokens, VideoFeatures
from tcmgc.slots.encoder import TokenIds

from .open_clip_model import create_clip, create_tokenizer, image_size_in_config
from .text_tower import TextTower

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EMBEDDINGS = (
    "token_embedding.",
    "positional_embedding",
    "visual.conv1.",
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.ln_pre.",
)
"""What CLIP4Clip and its descendants leave frozen (``freeze_layer_num 0``)."""


class OpenClip(nn.Module):
    """CLIP towers through open_clip.

    Sentence: the projected state at the end token. Words: the projected states of all W positions, start,
    end and padding included. Frames: the projected class token of each frame. Patches: the projected
    tokens of each frame, the class token first. None is normalised.

    Parameters
    ----------
    model
        A model of open_clip: a name, a JSON file with a configuration, ``hf-hub:ORGANISATION/NAME``, or
        ``local-dir:FOLDER`` with an ``open_clip_config.json`` and weights. It takes square images.
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
    """

    paper: ClassVar[str] = "CLIP, arXiv:2103.00020; open_clip, doi:10.5281/zenodo.5143773"

    def __init__(
        self,
        *,
        model: str = "ViT-B-32-quickgelu",
        pretrained: str | None = "openai",
        words: Annotated[int, Field(ge=3)] = 32,
        freeze: Literal["nothing", "embeddings", "all"] = "embeddings",
    ) -> None:
        super().__init__()
        self.clip: Any
        self.mean: Tensor
        self.std: Tensor
        self.clip, name = create_clip(model, pretrained)
        self.text_tower = TextTower(self.clip, name)
        self._tokenizer = create_tokenizer(name)
        self.words: int = words if self.text_tower.gives_words else self._tokenizer.context_length
        if self.text_tower.gives_words and words > self.text_tower.positions:
            raise ConfigError(
                "encoder.words",
                found=f"{words}, but the text tower of {name} has {self.text_tower.positions} positions",
                expected=f"at most {self.text_tower.positions}",
            )
        self.model_name = name
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
        for key, parameter in self.clip.named_parameters():
            # The scale that is trained is the model's own.
            own = key.removeprefix("text.")
            embedding = freeze == "embeddings" and own.startswith(EMBEDDINGS)
            parameter.requires_grad_(not (self.frozen or embedding or own == "logit_scale"))

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

    def tokenize(self, texts: Sequence[str]) -> TokenIds:
        """Tokenise captions: ids and mask [T, W]."""
        ids: Tensor = self._tokenizer(list(texts), context_length=self.words)
        if isinstance(self._tokenizer, SimpleTokenizer):
            lengths = torch.tensor([len(self._tokenizer.encode(text)) + 2 for text in texts])
            mask = torch.arange(self.words) < lengths[:, None]
        else:
            mask = ids != self._tokenizer.tokenizer.pad_token_id
        return TokenIds(ids, mask)

    def encode_text(self, tokens: TokenIds, inputs: frozenset[str]) -> TextFeatures:
        """Encode captions: sentence [T, D], words [T, W, D] where they are asked for."""
        sentence, words = self.text_tower(tokens.ids, words="words" in inputs)
        return TextFeatures(sentence, None if words is None else Tokens(words, tokens.mask))

    def encode_video(self, pixels: Tensor, mask: Tensor, inputs: frozenset[str]) -> VideoFeatures:
        """Encode frames: frames [V, F, D], patches [V, F (1 + n), D] where they are asked for.

        A padded frame is the embedding of an image that is zero after normalisation, as in the official
        code, and is computed once.
        """
        V, F = mask.shape
        images = pixels[mask].permute(0, 3, 1, 2).to(self.mean.dtype)
        images = (images - self.mean) / self.std
        all_real = len(images) == V * F
        if not all_real:
            images = torch.cat([images, images.new_zeros(1, *images.shape[1:])])
        frames, patches = self._encode_images(images, patches="patches" in inputs)
        if not all_real:
            place = torch.full((V, F), len(images) - 1, device=mask.device)
            place[mask] = torch.arange(len(images) - 1, device=mask.device)
            frames = frames[place.flatten()]
            patches = None if patches is None else patches[place.flatten()]
        extra = {}
        if patches is not None:
            n, D = patches.shape[1:]
            extra["patches"] = Tokens(patches.reshape(V, F * n, D), mask.repeat_interleave(n, dim=1))
        return VideoFeatures(Tokens(frames.reshape(V, F, -1), mask), extra=extra)

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
