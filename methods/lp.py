"""Linear probe (LP): one linear layer on the frozen image features.

Paper: VP Table 1 and PGN Table 5 ("Linear ft."); VPT's "linear"; CLIP's own evaluation.
Equation: logits = W z + b, z = image feature before normalisation.
Shapes: z [B, E], W [K, E], b [K].
Trainable: K * (E + 1)

Deviations:
- z has the joint width E (512 on ViT-B/32), as in CLIP's own recipe, which VP's author names.
  PGN Table 5 prints 0.75M over its 12 data sets (968 classes): that is the 768 values before the
  projection (744,392 with bias); 512 values give 496,584.
- Trained by the sweep's recipe, as VPT does; CLIP's recipe is L-BFGS on an L2-penalised loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import Backbone, BackboneInfo, Choice, MethodParams, Space, generator, param


class Params(MethodParams):
    """How the layer starts."""

    head_init: Literal["normal", "kaiming"] = param(
        "normal",
        description="normal: N(0, 0.02^2) cut at 2 deviations, bias 0 (SPT's head); "
        "kaiming: normal over fan-out, bias -ln 99 (VPT's head)",
    )


SPACE: Mapping[str, Space] = {"head_init": Choice(("normal", "kaiming"))}

# VPT has no single learning rate: it picks one from ten on validation, so none stands here.
PRESETS: Mapping[str, Mapping[str, object]] = {
    "vpt": {
        "head_init": "kaiming",
        "optimizer": "sgd",
        "momentum": 0.9,
        "epochs": 100,
        "warmup_epochs": 10,
        "schedule": "cosine",
    },
}

REQUIRES: frozenset[str] = frozenset()


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """Any backbone carries it."""
    return None


class Method(nn.Module):
    """A linear head; the image path has nothing to train, so its features are computed once."""

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
        weight = torch.empty(len(classes), backbone.info.embed_dim)
        bias = torch.zeros(len(classes))
        draw = generator(seed, "lp", "weight")
        if params.head_init == "normal":
            nn.init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04, generator=draw)
        else:
            nn.init.kaiming_normal_(weight, mode="fan_out", generator=draw)
            bias.fill_(-math.log(99))
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Image features [B, E] before normalisation."""
        return self.backbone.encode_image(images)

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        return F.linear(features, self.weight, self.bias)
