"""A text that asks: checked, and encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tcmgc.engine.feature_tensors import convert_text, in_float32
from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tcmgc.experiments.trained import TrainedModel
    from tcmgc.slots.encoder import Encoder
    from tcmgc.state import State

LONGEST_SAID = 40
"""Characters of a query in an error."""


@dataclass(frozen=True)
class Queries:
    """T texts, encoded.

    Parameters
    ----------
    state
        The scorer's, led by T.
    vectors
        [T, D], unit sentence embeddings, which meet the videos' coarse vectors.
    """

    state: State
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, items: slice) -> Queries:
        return Queries({name: tensor[items] for name, tensor in self.state.items()}, self.vectors[items])


def encode_queries(model: TrainedModel, texts: Sequence[str]) -> Queries:
    """Encode T texts.

    Raises
    ------
    DataError
        When one is empty, or longer than the words that the model reads.
    """
    encoder, head = model.model.encoder, model.model.head
    for text in texts:
        refuse_query(encoder, text)
    fabric = model.session.fabric
    with torch.inference_mode(), fabric.autocast():
        tokens = encoder.tokenize(list(texts)).to(str(fabric.device))
        features = convert_text(encoder.encode_text(tokens, head.inputs | {"sentence"}), in_float32)
        assert features.sentence is not None
        coarse_TD = torch.nn.functional.normalize(features.sentence, dim=-1)
        return Queries(head.prepare_text(features), coarse_TD.cpu().numpy())


def refuse_query(encoder: Encoder, text: str) -> None:
    """Refuse a text that is empty, or that the tokenizer would cut.

    Raises
    ------
    DataError
        With the text.
    """
    said = text if len(text) <= LONGEST_SAID else f"{text[:LONGEST_SAID]}..."
    if not text.strip():
        raise DataError("query", found="an empty text", expected="a sentence that a video may show")
    if not encoder.tokenize([text]).mask.all():
        return  # there is room for more
    # Tokenizers cut by themselves; no token reaches over a blank, so that words can be counted alone.
    words = text.split()
    lengths = [int(length) for length in encoder.tokenize(["", *words]).mask.sum(dim=1)]
    ends, *lengths = lengths
    found = ends + sum(length - ends for length in lengths)
    if found > encoder.words:
        raise DataError(
            f"query {said!r}",
            found=f"at least {found} tokens, start and end included",
            expected=f"at most {encoder.words}, which the model reads",
            hint="a shorter query: what is cut off would not count",
        )
