"""The sentence read off the words (DRL)."""

from typing import ClassVar

import torch

from tcmgc.features import TextFeatures


class LastWord:
    """Make the state of the last real word the sentence, whatever the encoder takes for it.

    The official code takes the number of real words less one, which is the same place wherever padding
    comes last, as in every published loader. For CLIP's tokens it is the end token's, as the encoder's is;
    the two differ where a caption itself holds the text of an end token. A text without words gets the last
    position, as in the official code.
    """

    paper: ClassVar[str] = "DRL, arXiv:2203.07111, dot-product interaction (DP)"

    def reads(self, wanted: frozenset[str]) -> frozenset[str]:
        """Words, in place of a sentence."""
        return wanted - {"sentence"} | {"words"} if "sentence" in wanted else wanted

    def __call__(self, features: TextFeatures) -> TextFeatures:
        """Replace `TextFeatures.sentence`, [T, D]."""
        words = features.tokens("words")
        T, W, _ = words.values.shape
        counted_W = torch.arange(1, W + 1, device=words.mask.device)
        last_T = ((counted_W * words.mask).amax(dim=1) - 1) % W
        rows = torch.arange(T, device=last_T.device)
        return TextFeatures(words.values[rows, last_T], words, features.extra)
