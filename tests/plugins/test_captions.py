"""Tokenisation by the golden lists that the official loaders made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tcmgc.errors import ConfigError, DataError
from tcmgc_plugins.encoders.captions import CaptionTokens, ClipTokenizer
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip
from tcmgc_plugins.encoders.open_clip_model import create_tokenizer

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tokens.json").read_text(encoding="utf-8"))
CAPTIONS = GOLDEN["captions"]
LITERAL = next(k for k, caption in enumerate(CAPTIONS) if "<|endoftext|>" in caption)


def captions(words: int, rule: str = "clip", too_long: str = "cut") -> CaptionTokens:
    return CaptionTokens(create_tokenizer("ViT-B-32"), "ViT-B-32", words, rule, too_long)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['max_words']} words")
def test_ids_and_mask_as_released(case: dict[str, list[list[int]]]) -> None:
    tokens = captions(case["max_words"])(CAPTIONS)  # type: ignore[arg-type]
    assert tokens.ids.tolist() == case["input_ids"]
    assert tokens.mask.int().tolist() == case["input_mask"]
    assert tokens.mask.sum(dim=1).tolist() == case["n_tokens"]
    assert tokens.ids.argmax(dim=1).tolist() == case["eot_pos_argmax"]


def test_byte_pairs_as_released() -> None:
    tokenizer = ClipTokenizer()
    assert [tokenizer.encode(caption) for caption in CAPTIONS] == GOLDEN["encode_full"]
    pieces = [[tokenizer.decoder[k] for k in tokenizer.encode(caption)] for caption in CAPTIONS]
    assert pieces == GOLDEN["bpe_tokens_full"]
    assert (tokenizer.sot_token_id, tokenizer.eot_token_id) == (GOLDEN["sot"], GOLDEN["eot"])
    assert len(tokenizer.encoder) == GOLDEN["vocab_size"]


def test_x_pool_refuses_what_others_cut() -> None:
    refusing = captions(77, too_long="refuse")
    for caption, expected in zip(CAPTIONS, GOLDEN["xpool_context77"], strict=True):
        if isinstance(expected, str):  # the release raises
            assert "too long for context length 77" in expected
            with pytest.raises(DataError, match=r"found: +\d+ tokens.*\n.*at most 77"):
                refusing([caption])
        else:
            assert refusing([caption]).ids[0].tolist() == expected


def test_open_clips_own_rule_differs_in_literal_special_tokens_alone() -> None:
    own, released = captions(32, "own")(CAPTIONS), captions(32)(CAPTIONS)
    differ = [k for k in range(len(CAPTIONS)) if own.ids[k].tolist() != released.ids[k].tolist()]
    assert differ == [LITERAL]
    assert released.mask[LITERAL].sum() - 1 != released.ids[LITERAL].argmax()  # DRL's end is not CLIP4Clip's


class Letters:
    """A tokenizer of a model's own."""


def test_a_model_with_another_tokenizer_keeps_it() -> None:
    with pytest.raises(ConfigError, match="a tokenizer of its own"):
        CaptionTokens(Letters(), "Sig", 8, "clip", "cut")


def test_through_the_encoder() -> None:
    encoder = OpenClip(
        model="StoryShapes-ViT", pretrained=None, words=32, tokenizer="clip", too_long="refuse"
    )
    short = [k for k, caption in enumerate(CAPTIONS) if len(ClipTokenizer().encode(caption)) <= 30]
    found = encoder.tokenize([CAPTIONS[k] for k in short])
    assert found.ids.tolist() == [GOLDEN["cases"][0]["input_ids"][k] for k in short]
    with pytest.raises(DataError, match="too_long=cut"):
        encoder.tokenize(["cat " * 40])
