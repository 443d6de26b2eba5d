"""Adapter: a small network behind the MLP of each block, around which its output also passes.

Paper: "AdapterFusion" (Pfeiffer's place), as in VPT Table 1 and NOAH ("Neural Prompt Search").
Equation: y <- y + up(GELU(down(y))), y the output of a block's MLP before it joins the tokens.
Shapes: y [B, T, D], down [h, D] and [h], up [D, h] and [D] of each block; z [B, E] and W [K, E].
Trainable: L * (2 * D * h + h + D) and K * (E + 1) of a linear head: ViT-B/16 has 156,768 with h = 8
    (NOAH), 230,544 with 12 and 1,779,840 with 96 (VPT, D / 64 and D / 8)

Deviations:
- VPT starts both maps at zero, weights and biases (`vpt`). Then nothing but the bias of `up` ever
  has a gradient, so its adapters are L learned vectors [D]. The default is `up_zero`, which also
  starts as the frozen tower and learns all of it.
- `up_zero` is AdaptFormer's start; its parallel branch, scale and dropout are not here.
- NOAH drops whole branches at random in training (0.1); here none is dropped.
- VPT picks the learning rate from a grid times batch / 256, so its preset has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    HeadInit,
    HeadKind,
    Integers,
    MethodParams,
    Space,
    generator,
    head_refusal,
    keyed,
    make_head,
    param,
)


class Params(MethodParams):
    """How wide an adapter is, how it starts, and the head."""

    bottleneck: int = param(8, ge=1, le=4096, description="h; NOAH (VPT: D / 8, D / 64, D / 256)")
    init: Literal["vpt", "noah", "up_zero"] = param(
        "up_zero",
        description="vpt: all zero; noah: Xavier-uniform, biases N(0, 1e-6^2); "
        "up_zero: torch's own for down, zero for up (AdaptFormer)",
    )
    head: HeadKind = param("linear", description="VPT; text or mapped: the frozen ones, our own")
    head_init: HeadInit = param("normal", description="SPT; kaiming: VPT's code")


SPACE: Mapping[str, Space] = {
    "bottleneck": Integers(1, 96, log=True),
    "init": Choice(("vpt", "noah", "up_zero")),
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "vpt": {
        "bottleneck": 12,
        "init": "vpt",
        "head": "linear",
        "head_init": "kaiming",
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "batch_size": 384,
        "epochs": 100,
        "warmup_epochs": 5,
        "schedule": "vpt_official",
    },
    "noah": {
        "bottleneck": 8,
        "init": "noah",
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
    """A reason if there is no such head."""
    return head_refusal(params.head, backbone)


class Method(nn.Module):
    """`down` and `up` of each block, and the head."""

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
        self.backbone = backbone
        width, narrow = backbone.info.width, params.bottleneck
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for block in range(backbone.info.depth):
            with keyed(seed, "adapter", "down", params.init, block):
                self.down.append(_layer(width, narrow, params.init, zero=params.init == "vpt"))
            with keyed(seed, "adapter", "up", params.init, block):
                self.up.append(_layer(narrow, width, params.init, zero=params.init != "noah"))
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "adapter", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        logits: Tensor = self.head(self.backbone.encode_image(images, adapter=self.adapt))
        return logits

    def adapt(self, block: int, outputs: Tensor) -> Tensor:
        """`outputs` [B, T, D] of a block's MLP, and what its adapter makes of them."""
        changed: Tensor = self.up[block](F.gelu(self.down[block](outputs)))
        return outputs + changed


def _layer(into: int, out: int, init: str, *, zero: bool) -> nn.Linear:
    layer = nn.Linear(into, out)
    if zero:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    elif init == "noah":
        nn.init.xavier_uniform_(layer.weight)
        nn.init.normal_(layer.bias, std=1e-6)
    return layer
