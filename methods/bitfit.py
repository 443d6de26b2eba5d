"""BitFit: the biases of the image tower are trained, all other weights stay.

Paper: "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked
    Language-models"; "Bias" of VPT Table 1, `tinytl-bias` of its code.
Equation: every W x + b of the tower with b trained, those of norms and the patches included.
Shapes: b as in the backbone: 3D of qkv, 4D of fc1, D elsewhere; z [B, E], W [K, E] of the head.
Trainable: (11 * L + 2) * D (102,912 of ViT-B/16), and K * (E + 1) of a linear head

Deviations:
- CLIP's patches have no bias and its tower has a norm more, so the count is the same; its
  projection has none.
- VPT's code trains the bias of a norm behind the pooling of MAE weights; here that norm is the
  tower's own, see `pooling` of the backbone.
- VPT picks the learning rate from a grid times batch / 256, so the preset has none; its AdamW has
  0.01 on all but biases, which here is the head's weight alone.
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
    """The head; the biases have nothing to choose."""

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
    """A copy of the tower's biases, and the head."""

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
        self.biases = nn.ParameterDict(
            {
                name.replace(".", "/"): value.detach().to("cpu", torch.float32, copy=True)
                for name, value in backbone.image_weights.items()
                if name.endswith("bias")
            }
        )
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "bitfit", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        weights = {name.replace("/", "."): value for name, value in self.biases.items()}
        logits: Tensor = self.head(self.backbone.encode_image(images, weights=weights))
        return logits
