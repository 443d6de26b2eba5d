"""A small timm ViT with random weights, for tests of methods without a text tower."""

from __future__ import annotations

from typing import Any

import torch
from timm.models.vision_transformer import VisionTransformer

from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.image_tower import Pooling
from sweeper.backbones.vision import VisionBackbone, describe_model
from sweeper.seeds import keyed

PREPROCESSING = Preprocessing(
    size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), interpolation="bicubic", resize="crop"
)


def small_vit_model(**settings: Any) -> VisionTransformer:
    """The model, with norms, biases and CLS drawn too, so that leaving one out shows."""
    with keyed(0, "small vit"):
        model = VisionTransformer(
            **{
                "img_size": 32,
                "patch_size": 8,
                "embed_dim": 48,
                "depth": 3,
                "num_heads": 4,
                "num_classes": 20,
                **settings,
            }
        )
        with torch.no_grad():
            for name, value in model.named_parameters():
                if value.ndim == 1 or "token" in name:
                    value.add_(0.2 * torch.randn_like(value))
                elif "qkv" in name or "pos_embed" in name:
                    value.mul_(4)
    return model.eval()


def small_vit(pooling: Pooling = "cls", **settings: Any) -> VisionBackbone:
    """The backbone over `small_vit_model`."""
    model = small_vit_model(**settings)
    info = describe_model(
        model,
        name="small-vit",
        weights="random",
        description="random weights",
        preprocessing=PREPROCESSING,
        max_prompts=1100,
        pooling=pooling,
    )
    return VisionBackbone(model, info)
