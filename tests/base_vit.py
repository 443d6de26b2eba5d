"""timm's ViT-B/16 with memory in the place of weights, to count what a method trains."""

from __future__ import annotations

from typing import Any

import timm
import torch

from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.vision import VisionBackbone, describe_model

IMAGENET = Preprocessing(
    size=224, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), interpolation="bicubic", resize="crop"
)


def base_vit() -> VisionBackbone:
    """The backbone; its numbers mean nothing, and are not drawn, which would take seconds."""
    with torch.device("meta"):
        model: Any = timm.create_model("vit_base_patch16_224")
    info = describe_model(
        model,
        name="base-vit",
        weights="none",
        description="no weights",
        preprocessing=IMAGENET,
        max_prompts=1000,
    )
    return VisionBackbone(model.to_empty(device="cpu"), info)
