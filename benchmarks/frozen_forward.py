"""A prompted step through the frozen image tower: ours against open_clip's own modules.

`python benchmarks/frozen_forward.py` prints the ratio of the library's time to ours for a forward
and backward pass to 8 prompts, one thread, alternating, with the spread over the rounds. Random
weights; the numbers that come out are compared before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import open_clip
import torch
from open_clip.model import CLIP
from torch import Tensor

from sweeper.backbones import shipped
from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.clip import ClipBackbone

ROUNDS, PROMPTS = 7, 8


def library_forward(model: CLIP, images: Tensor, prompts: Tensor) -> Tensor:
    """What one writes around open_clip: its modules, every token to the end."""
    visual = model.visual
    patches = visual.conv1(images).flatten(2).transpose(1, 2)
    cls = visual.class_embedding.expand(len(images), 1, -1)
    tokens = torch.cat((cls, patches), 1) + visual.positional_embedding
    tokens = torch.cat((tokens, prompts.expand(len(images), -1, -1)), 1)
    tokens = visual.transformer(visual.ln_pre(tokens))
    return visual.ln_post(tokens)[:, 0] @ visual.proj


def seconds(step: Callable[[], Tensor], times: int) -> float:
    """Seconds of one forward and backward pass."""
    start = time.perf_counter()
    for _ in range(times):
        step().sum().backward()
    return (time.perf_counter() - start) / times


def compare(name: str, model: CLIP, info: BackboneInfo, batch: int, times: int) -> None:
    """Print one line: the ratio, and its smallest and largest over the rounds."""
    backbone = ClipBackbone(model, info)
    images = torch.randn(batch, 3, info.preprocessing.size, info.preprocessing.size)
    prompts = torch.randn(PROMPTS, info.width, requires_grad=True)

    def ours() -> Tensor:
        return backbone.encode_image(images, prompts)

    def library() -> Tensor:
        return library_forward(model, images, prompts)

    torch.testing.assert_close(ours(), library(), rtol=1e-4, atol=1e-4)
    seconds(ours, 1), seconds(library, 1)
    ratios = [seconds(library, times) / seconds(ours, times) for _ in range(ROUNDS)]
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    print(f"{name:12} batch {batch:3}: library / ours = {middle:.2f}  ({low:.2f} to {high:.2f})")


def main() -> None:
    """Both towers, one after the other."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    embedded = shipped.describe()
    compare("embedded", shipped.load(), embedded, batch=50, times=20)
    big = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None)
    info = replace(embedded, width=768, preprocessing=replace(embedded.preprocessing, size=224))
    compare("ViT-B/32", big, info, batch=8, times=1)


if __name__ == "__main__":
    main()
