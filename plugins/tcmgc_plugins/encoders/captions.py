"""Captions to token ids, by the rule of the official loaders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import regex
import torch
from open_clip.tokenizer import SimpleTokenizer

from tcmgc.errors import ConfigError, DataError
from tcmgc.slots.encoder import TokenIds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Rule = Literal["own", "clip"]
TooLong = Literal["cut", "refuse"]

START, END = "<|startoftext|>", "<|endoftext|>"


class ClipTokenizer(SimpleTokenizer):  # type: ignore[misc]
    """CLIP's byte-level BPE with CLIP's own two special tokens, which open_clip renamed.

    They matter where a caption holds one literally: CLIP's ``<|endoftext|>`` is then token 49407, and to
    open_clip, whose token is ``<end_of_text>``, it is eight characters. Source: CLIP's
    ``simple_tokenizer.py``, the same file in CLIP4Clip, X-CLIP, DRL and UCoFiA.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        first = self.sot_token_id
        for k, token in enumerate((START, END)):
            renamed = self.decoder[first + k]
            del self.encoder[renamed], self.cache[renamed]
            self.encoder[token], self.decoder[first + k], self.cache[token] = first + k, token, token
        special = "|".join(map(regex.escape, (START, END)))
        words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
        self.pat = regex.compile(f"{special}|{words}", regex.IGNORECASE)


class CaptionTokens:
    """Makes [T, W] of captions: start token, tokens, end token, then padding with 0.

    A caption of more than W tokens loses its last ones and keeps the end token. The mask is True from the
    start to the end token, by their number: a literal end token inside the caption does not shorten it.
    Official loaders do the same (CLIP4Clip's ``_get_text``; X-CLIP, DRL, UCoFiA, TC-MGC).

    Parameters
    ----------
    tokenizer
        open_clip's, of the model.
    name
        What errors call the model.
    words
        W.
    rule
        ``own``, as open_clip has it for the model; ``clip``, by `ClipTokenizer`.
    too_long
        ``cut``, or ``refuse``, as X-Pool's loader does with captions of more than 77 tokens.
    """

    def __init__(self, tokenizer: Any, name: str, words: int, rule: Rule, too_long: TooLong) -> None:
        self._words = words
        self._too_long = too_long
        plain = type(tokenizer) is SimpleTokenizer
        if rule == "clip" and not plain:
            raise ConfigError(
                "encoder.tokenizer",
                found=f"clip, for {name}, which has a tokenizer of its own",
                expected="own",
            )
        self._tokenizer = ClipTokenizer() if rule == "clip" else tokenizer

    def __call__(self, texts: Sequence[str]) -> TokenIds:
        """Tokenise T captions.

        Raises
        ------
        DataError
            When one is too long, and is not to be cut.
        """
        ids: Tensor = self._tokenizer(list(texts), context_length=self._words)
        if not isinstance(self._tokenizer, SimpleTokenizer):
            return TokenIds(ids, ids != self._tokenizer.tokenizer.pad_token_id)
        lengths = [len(self._tokenizer.encode(text)) + 2 for text in texts]
        for text, length in zip(texts, lengths, strict=True):
            if length > self._words and self._too_long == "refuse":
                raise DataError(
                    f"caption {text!r}",
                    found=f"{length} tokens, start and end included",
                    expected=f"at most {self._words}",
                    hint="encoder.too_long=cut, or more encoder.words",
                )
        return TokenIds(ids, torch.arange(self._words) < torch.tensor(lengths)[:, None])
