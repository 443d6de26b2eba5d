"""Full fine-tuning (FT): every weight of the image tower is trained, on a copy.

Paper: the baseline of VPT (Table 1), VP and PGN (Table 5).
Equation: logits = head(Phi_theta(x)), theta starting at the weights of the backbone.
Shapes: theta as in the backbone; z [B, E], W [K, E], b [K] of a linear head.
Trainable: all weights of the image tower (85,798,656 of ViT-B/16, 87,849,216 of CLIP ViT-B/32 with
    its projection), and K * (E + 1) of a linear head

Deviations:
- PGN Table 5 prints 1032M over 12 data sets. That is 12 towers of 86M, ViT-B/16 rounded;
  unrounded they make 1030M, and 12 towers of CLIP ViT-B/32, which it trains, make 1054M.
- VPT's code reads no weight decay with AdamW: it has 0.01 on all but biases where the setting is
  above 0, and where it is 0 it trains by SGD instead. `vpt` has the 0.01; a sweep over its other
  values has to name the optimiser with each.
- VPT picks the learning rate from four times batch / 256, so the preset has none.
- The text tower stays as it is; open_clip's defaults, which VP's author names, train both.
- Class token and positions have more than one axis in timm's ViTs, so they decay, as in VPT.
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


class Params(MethodParams):
    """The head; the tower has nothing to choose."""

    head: HeadKind = param("linear", description="VPT; text or mapped: the frozen ones, our own")
    head_init: HeadInit = param("kaiming", description="VPT's code")


SPACE: Mapping[str, Space] = {"head_init": Choice(("normal", "kaiming"))}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "vpt": {
        "head": "linear",
        "head_init": "kaiming",
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "batch_size": 384,
        "epochs": 100,
        "warmup_epochs": 5,
        "schedule": "vpt_official",
    },
}

REQUIRES = frozenset({"weights"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if there is no such head."""
    return head_refusal(params.head, backbone)


class Method(nn.Module):
    """A copy of the tower's weights, and the head."""

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
        self.tower = nn.ParameterDict(
            {
                name.replace(".", "/"): value.detach().to("cpu", torch.float32, copy=True)
                for name, value in backbone.image_weights.items()
            }
        )
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "ft", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        weights = {name.replace("/", "."): value for name, value in self.tower.items()}
        logits: Tensor = self.head(self.backbone.encode_image(images, weights=weights))
        return logits
