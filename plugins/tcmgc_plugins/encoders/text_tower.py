"""The text tower of an open_clip model, with the states of all tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from open_clip.model import CLIP
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

from tcmgc.errors import ConfigError
from tcmgc.slots.text_start import TextStart

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_WEIGHTS = {
    f"{layer}.{kind}"
    for layer in ("ln_1", "attn.out_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    for kind in ("weight", "bias")
} | {"attn.in_proj_weight", "attn.in_proj_bias"}
"""Of a block of CLIP's text transformer; some models have others, as layer scales."""


class TextTower:
    """Encode token ids; holds no weights of its own.

    A tower that gives words runs on the first W positions alone: its attention is causal, so that what
    follows a token never changes it. Any other gets the ids of its whole context from its own tokenizer: it
    may look at what stands behind the caption.

    Parameters
    ----------
    clip
        A model of open_clip.
    name
        What errors call it.
    """

    def __init__(self, clip: nn.Module, name: str) -> None:
        self._clip: Any = clip
        self._name = name
        self._tower: Any = clip if isinstance(clip, CLIP) else getattr(clip, "text", None)

    @property
    def gives_words(self) -> bool:
        """Whether the states of all tokens can be had.

        Of a causal transformer without a class token, whose sentence is the state of one of its tokens.
        """
        tower = self._tower
        known = isinstance(tower, (CLIP, TextTransformer)) and tower.attn_mask is not None
        plain = known and getattr(tower, "cls_emb", None) is None and tower.text_projection is not None
        return plain and self._setting("pool_type") in ("argmax", "eos", "first")

    def start(self) -> TextStart | None:
        """Return its table of positions and the weights of its blocks; None where they are not CLIP's own."""
        if not isinstance(self._tower, (CLIP, TextTransformer)):
            return None
        states = [block.state_dict() for block in self._tower.transformer.resblocks]
        if any(state.keys() != BLOCK_WEIGHTS for state in states):
            return None
        blocks = tuple({name: tensor.detach() for name, tensor in state.items()} for state in states)
        return TextStart(self._tower.positional_embedding.detach(), blocks)

    @property
    def positions(self) -> int:
        """How many token positions it has."""
        return int(getattr(self._tower, "context_length", 77))

    def __call__(self, ids: Tensor, *, words: bool) -> tuple[Tensor, Tensor | None]:
        """Encode ids [T, W]: the sentence [T, D], and the words [T, W, D] or None."""
        if not self.gives_words:
            if words:
                raise ConfigError(
                    f"encoder {self._name}",
                    found="a text tower that gives no states of single words",
                    expected="a recipe that reads sentences alone, or CLIP's own text transformer",
                )
            return self._clip.encode_text(ids), None
        tower = self._tower
        W = ids.shape[1]
        x_TWd = tower.token_embedding(ids) + tower.positional_embedding[:W]
        x_TWd = tower.ln_final(tower.transformer(x_TWd, attn_mask=tower.attn_mask[:W, :W]))
        project = _projection(tower.text_projection)
        end_T = self._sentence_place(ids)
        rows = torch.arange(len(ids), device=ids.device)
        if not words:
            return project(x_TWd[rows, end_T]), None
        words_TWD = project(x_TWd)
        return words_TWD[rows, end_T], words_TWD

    def _setting(self, name: str) -> Any:
        """Return a setting of the text tower, which a `CLIP` has under ``text_``."""
        return getattr(self._tower, f"text_{name}" if isinstance(self._tower, CLIP) else name)

    def _sentence_place(self, ids: Tensor) -> Tensor:
        """Return which position's state is the sentence, [T], as open_clip's `text_global_pool` has it."""
        match self._setting("pool_type"):
            case "first":
                return torch.zeros_like(ids[:, 0])
            case "eos":
                end_id: int = self._setting("eos_id")
                return ids.eq(end_id).int().argmax(dim=-1)
        return ids.argmax(dim=-1)  # the end token has the greatest id


def _projection(weights: nn.Module | Tensor) -> Callable[[Tensor], Tensor]:
    return weights if isinstance(weights, nn.Module) else weights.__rmatmul__
