"""Train the small CLIP that ships, on pictures of StoryShapes' train compositions.

The command is::

    python -m tcmgc_plugins.encoders.storyshapes_clip.pretrain --out weights.safetensors

Contrastive training as CLIP's: pictures and captions in batches, both towers from their initial weights.
"""

from __future__ import annotations

import math
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional

from tcmgc import __version__
from tcmgc.cli.console import progress_bar
from tcmgc.data.preprocess import square
from tcmgc.files.tensors import write_tensors
from tcmgc_plugins.datasets.storyshapes.dataset import VERSION
from tcmgc_plugins.datasets.storyshapes.pictures import draw_pictures
from tcmgc_plugins.datasets.storyshapes.wording import vocabulary
from tcmgc_plugins.encoders.open_clip_model import CONFIGS

from .compact_weights import TABLE, compact
from .pictures_seen import digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc_plugins.datasets.storyshapes.scene import Composition

MODEL = "StoryShapes-ViT"
WARMUP = 200
WEIGHT_DECAY = 0.1
BETAS = (0.9, 0.98)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the weights go.")
@click.option("--pictures", default=40_000, show_default=True, help="How many distinct pictures.")
@click.option("--steps", default=2_500, show_default=True)
@click.option("--batch-size", default=128, show_default=True)
@click.option("--learning-rate", default=2e-3, show_default=True, help="Highest, after the warm-up.")
@click.option("--seed", default=0, show_default=True)
def main(out: Path, pictures: int, steps: int, batch_size: int, learning_rate: float, seed: int) -> None:
    """Train and write the weights, compact: half precision, and only the token rows that are used."""
    start = time.monotonic()
    torch.manual_seed(seed)
    open_clip.add_model_config(CONFIGS)
    clip = open_clip.create_model(MODEL)
    tokenizer = open_clip.get_tokenizer(MODEL)
    pixels, captions, drawn = _draw(pictures, seed, clip.visual.image_size[0])
    ids = tokenizer(captions)
    loss = _train(clip, pixels, ids, steps=steps, batch_size=batch_size, rate=learning_rate, seed=seed)
    seconds = time.monotonic() - start
    used = sorted({int(i) for i in tokenizer([" ".join(vocabulary())], context_length=512).unique()} | {0})
    metadata = {
        "tokens": str(clip.state_dict()[TABLE].shape[0]),
        "model": MODEL,
        "command": f"python -m tcmgc_plugins.encoders.storyshapes_clip.pretrain --pictures {pictures} "
        f"--steps {steps} --batch-size {batch_size} --learning-rate {learning_rate} --seed {seed}",
        "storyshapes": str(VERSION),
        "pictures": str(pictures),
        "pictures_seed": str(seed),
        "compositions_sha256": digest(drawn),
        "seconds": f"{seconds:.0f}",
        "last_loss": f"{loss:.4f}",
        "made_with": f"tcmgc {__version__}, torch {torch.__version__}, open_clip {open_clip.__version__}, "
        f"{torch.get_num_threads()} threads, {platform.machine()}",
    }
    write_tensors(out, compact(clip.state_dict(), used), metadata)
    click.echo(f"{out}: {out.stat().st_size:,} bytes, {steps} steps in {seconds:.0f} s, loss {loss:.3f}")


def _draw(count: int, seed: int, side: int) -> tuple[NDArray[np.uint8], list[str], set[Composition]]:
    pixels = np.empty((count, side, side, 3), np.uint8)
    captions, drawn = [], set()
    with progress_bar("drawing", "pictures") as progress:
        for index, picture in enumerate(draw_pictures(count, seed=seed)):
            pixels[index] = square(picture.pixels(), side)
            captions.append(picture.caption)
            drawn.add(picture.scene.composition)
            if index % 100 == 99:
                progress(index + 1, count)
    return pixels, captions, drawn


def _train(
    clip: nn.Module,
    pixels: NDArray[np.uint8],
    ids: Tensor,
    *,
    steps: int,
    batch_size: int,
    rate: float,
    seed: int,
) -> float:
    """Train with symmetric InfoNCE and AdamW, warm-up and cosine; return the mean of the last 100 losses."""
    groups = [
        {"params": [p for p in clip.parameters() if (p.ndim >= 2) == decayed], "weight_decay": decay}
        for decayed, decay in ((True, WEIGHT_DECAY), (False, 0.0))
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=BETAS, eps=1e-6)
    mean = 255 * torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(3, 1, 1)
    std = 255 * torch.tensor(open_clip.OPENAI_DATASET_STD).view(3, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(ids), generator=generator)
    position, losses = 0, []
    with progress_bar("training", "steps") as progress:
        for step in range(steps):
            if position + batch_size > len(order):
                order, position = torch.randperm(len(ids), generator=generator), 0
            batch = order[position : position + batch_size]
            position += batch_size
            factor = min(1.0, step / WARMUP) * 0.5 * (1 + math.cos(math.pi * step / steps))
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            images = (torch.from_numpy(pixels[batch.numpy()]).permute(0, 3, 1, 2).float() - mean) / std
            loss = _contrast(clip, images, ids[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
            optimizer.step()
            with torch.no_grad():
                clip.logit_scale.clamp_(max=math.log(100))  # type: ignore[operator]
            losses.append(loss.item())
            progress(step + 1, steps)
    return float(np.mean(losses[-100:]))


def _contrast(clip: nn.Module, images: Tensor, ids: Tensor) -> Tensor:
    image, text, scale = clip(images, ids)
    logits = scale * image @ text.T
    target = torch.arange(len(ids))
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


if __name__ == "__main__":
    main()
