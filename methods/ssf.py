"""SSF: each linear map and norm of the image tower is followed by a learned scale and shift.

Paper: "Scaling & Shifting Your Features: A New Baseline for Efficient Model Tuning", Eq. 3; merged
    into the weights as in Eq. 4.
Equation: y <- gamma * y + beta after the patches, both norms, qkv, the attention's projection, fc1
    and fc2 of each block, and the last norm: W <- gamma W, b <- gamma b + beta.
Shapes: gamma, beta as wide as y: 3D of qkv, 4D of fc1, D elsewhere; z [B, E], W [K, E] of the head.
Trainable: 2 * (11 * L + 2) * D (205,824 of ViT-B/16), and K * (E + 1) of a linear head

Deviations:
- The merged weights are also what trains: the same in exact numbers, without 7 L + 2 more passes.
- CLIP's patches have no bias, so their beta is added to the positions of the patches, which is the
  same. Its norm before the blocks and its projection, which the paper's ViT lacks, stay frozen.
- The public recipe of CIFAR-100 in VTAB-1k is `official`, with a batch of 2 x 32 images and one
  learning rate an epoch. Its averaged weights (on CUB) are not offered.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    HeadInit,
    HeadKind,
    MethodParams,
    Space,
    generator,
    head_refusal,
    make_head,
    param,
)

FROZEN = ("norm_pre",)  # CLIP's, no place of the paper


class Params(MethodParams):
    """The head; scale and shift have nothing to choose."""

    head: HeadKind = param("linear", description="paper; text or mapped: the frozen ones, our own")
    head_init: HeadInit = param("normal", description="SPT; kaiming: VPT's code")


SPACE: Mapping[str, Space] = {"head_init": Choice(("normal", "kaiming"))}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "official": {
        "head": "linear",
        "optimizer": "adamw",
        "lr": 0.005,
        "weight_decay": 5e-5,
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
    """gamma and beta of each place, and the head."""

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
        # A parameter's name must not have a dot.
        self.gamma, self.beta = nn.ParameterDict(), nn.ParameterDict()
        for name, weight in backbone.image_weights.items():
            place, _, part = name.rpartition(".")
            if part == "weight" and place not in FROZEN:
                key, wide = place.replace(".", "/"), len(weight)
                gamma = torch.randn(wide, generator=generator(seed, "ssf", "gamma", place))
                beta = torch.randn(wide, generator=generator(seed, "ssf", "beta", place))
                self.gamma[key], self.beta[key] = 1 + 0.02 * gamma, 0.02 * beta
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "ssf", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        features = self.backbone.encode_image(images, weights=self.merged())
        logits: Tensor = self.head(features)
        return logits

    def merged(self) -> dict[str, Tensor]:
        """The changed weights by timm's names: put in place, the tower needs no SSF."""
        own, found = self.backbone.image_weights, dict[str, Tensor]()
        for key, gamma in self.gamma.items():
            place, beta = key.replace("/", "."), self.beta[key]
            weight, bias = own[f"{place}.weight"], own.get(f"{place}.bias")
            found[f"{place}.weight"] = gamma.view(-1, *[1] * (weight.dim() - 1)) * weight
            if bias is not None:
                found[f"{place}.bias"] = gamma * bias + beta
            else:  # of the patches, which positions follow; the first are of CLS and registers
                first = own["pos_embed"].shape[-2] - self.backbone.info.patches
                before = own["pos_embed"][..., :first, :]
                patches = own["pos_embed"][..., first:, :]
                found["pos_embed"] = torch.cat((before, patches + beta), dim=-2)
        return found
