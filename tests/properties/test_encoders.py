"""What holds of every encoder: items alone are as items together, and weights survive a save and a load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from component_configs import components, create

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXTS = ["a red circle", "two stars move to the left, one after the other", "", "a ring"]


@components("encoder")
def test_encoders(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items are encoded one by one, padding changes no real frame, and weights survive a save and a load."""
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path))
    encoder = create("encoder", config).eval()
    inputs = frozenset(getattr(encoder, "gives", {"sentence", "frames"}))
    size = encoder.image_size
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (3, 2, size, size, 3), dtype=torch.uint8, generator=generator)
    mask = torch.tensor([[True, True], [True, False], [True, True]])

    def encoded(
        encoder: Any, texts: list[int], videos: list[int], pixels: torch.Tensor
    ) -> list[torch.Tensor]:
        text = encoder.encode_text(encoder.tokenize([TEXTS[k] for k in texts]), inputs)
        video = encoder.encode_video(pixels[videos], mask[videos], inputs)
        real = mask[videos].unsqueeze(-1)
        found = [text.sentence, video.frames.values * real]
        return found + ([] if text.words is None else [text.words.values])

    with torch.no_grad():
        whole = encoded(encoder, [0, 1, 2, 3], [0, 1, 2], pixels)
        assert all(torch.isfinite(values).all() for values in whole)
        some = encoded(encoder, [3, 1], [2, 1], pixels)
        for found, values, rows in zip(some, whole, ([3, 1], [2, 1], [3, 1]), strict=False):
            torch.testing.assert_close(found, values[rows], atol=1e-5, rtol=1e-4)
        other = pixels.clone()
        other[1, 1] = 0
        torch.testing.assert_close(encoded(encoder, [0], [0, 1, 2], other)[1], whole[1], atol=1e-5, rtol=1e-4)
        loaded = create("encoder", config).eval()
        for weight in loaded.parameters():
            weight.add_(1)
        loaded.load_state_dict(encoder.state_dict())
        for found, values in zip(encoded(loaded, [0, 1, 2, 3], [0, 1, 2], pixels), whole, strict=True):
            assert torch.equal(found, values)
