"""LoRA: a low-rank change of the query and value maps of each block.

Paper: "LoRA: Low-Rank Adaptation of Large Language Models", Eq. 3; on ViTs in NOAH ("Neural Prompt
    Search") and SPT Table S4.
Equation: W_q <- W_q + c B_q A_q, W_v <- W_v + c B_v A_v in each block; keys stay as they are.
Shapes: W_q, W_v [D, D], A [r, D], B [D, r]; stacked, `down` [L, 2, r, D] and `up` [L, 2, D, r].
Trainable: 4 * L * D * r (294,912 of ViT-B/16 with r = 8), and K * (E + 1) of a linear head

Deviations:
- The paper draws A from a Gaussian, its code uniformly (Kaiming, a = sqrt(5)): U(-v, v) with
  v = 1 / sqrt(D), which is taken here. B is zero in both.
- The change is added to W before W is applied, which is the same in exact numbers and costs no
  second pass over the tokens. In bf16 the sum is rounded to bf16, where two paths are not.
- There is no dropout before A (0.1 in one public code), and `scale` is the paper's alpha / r.
- SPT prints 0.32M for VTAB-1k; with heads of 49.5 classes on average it is 0.333M.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sweeper.method import (
    Backbone,
    BackboneInfo,
    HeadInit,
    HeadKind,
    Integers,
    LogUniform,
    MethodParams,
    Space,
    generator,
    head_refusal,
    make_head,
    param,
)


class Params(MethodParams):
    """The rank and weight of the change, and the head."""

    rank: int = param(8, ge=1, le=4096, description="r; NOAH, SPT Table S4")
    scale: float = param(1.0, gt=0, le=1000, description="c = alpha / r; 1 is our own choice")
    head: HeadKind = param("linear", description="NOAH; text or mapped: the frozen ones, our own")
    head_init: HeadInit = param("normal", description="SPT; kaiming: VPT's code")


SPACE: Mapping[str, Space] = {
    "rank": Integers(1, 32, log=True),
    "scale": LogUniform(0.1, 10.0),
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "noah": {
        "rank": 8,
        "head": "linear",
        "optimizer": "adamw",
        "lr": 0.001,
        "weight_decay": 0.0001,
        "batch_size": 64,
        "epochs": 100,
        "warmup_epochs": 10,
        "schedule": "cosine",
    },
}

REQUIRES = frozenset({"weights"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if the change would have a full rank, or there is no such head."""
    if params.rank > backbone.width:
        return f"rank {params.rank} is more than its width {backbone.width}"
    return head_refusal(params.head, backbone)


class Method(nn.Module):
    """A and B of queries and values of all blocks, and the head."""

    def __init__(
        self,
        *,
        backbone: Backbone,
        classes: tuple[str, ...],
        template: str,
        params: Params,
        seed: int,
    ) -> None:
        super().__init__()
        self.backbone, self.scale = backbone, params.scale
        depth, width = backbone.info.depth, backbone.info.width
        draw = generator(seed, "lora", "down")
        down = 2 * torch.rand(depth, 2, params.rank, width, generator=draw) - 1
        self.down = nn.Parameter(down / math.sqrt(width))
        self.up = nn.Parameter(torch.zeros(depth, 2, width, params.rank))
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "lora", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        features = self.backbone.encode_image(images, weights=self.merged())
        logits: Tensor = self.head(features)
        return logits

    def merged(self) -> dict[str, Tensor]:
        """The changed weights by timm's names: put in place, the tower needs no LoRA."""
        found: dict[str, Tensor] = {}
        for block, (query, value) in enumerate(self.scale * self.up @ self.down):
            name = f"blocks.{block}.attn.qkv.weight"
            change = torch.cat((query, torch.zeros_like(query), value))
            found[name] = self.backbone.image_weights[name] + change
        return found
