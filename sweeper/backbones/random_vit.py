"""A small timm ViT with random weights: a second backbone for checks, without a text tower."""

from __future__ import annotations

import torch
from timm.models.vision_transformer import VisionTransformer

from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.image_tower import Pooling
from sweeper.backbones.setting import AS_RELEASED, Setting
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.vision import VisionBackbone, describe_model
from sweeper.seeds import keyed

SHAPE = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 4}
HALF = (0.5, 0.5, 0.5)


def random_model(**settings: object) -> VisionTransformer:
    """The model; norms, biases, CLS and positions are drawn too, so that each one counts."""
    with keyed(0, "random vit"):
        model = VisionTransformer(**({**SHAPE, "num_classes": 20} | settings))  # type: ignore[arg-type]
        with torch.no_grad():
            for name, value in model.named_parameters():
                if value.ndim == 1 or "token" in name:
                    value.add_(0.2 * torch.randn_like(value))
                elif "qkv" in name or "pos_embed" in name:
                    value.mul_(4)
    return model.eval()


def random_vit(
    pooling: Pooling | None = None,
    setting: Setting = AS_RELEASED,
    shortcuts: Shortcuts = ALL,
    **settings: object,
) -> VisionBackbone:
    """The backbone over `random_model`."""
    model = random_model(**settings)
    info = describe_model(
        model,
        name="random-vit",
        weights="random",
        description="small ViT with random weights, for checks",
        preprocessing=Preprocessing(32, HALF, HALF, "bicubic", "crop"),
        max_prompts=1100,
        pooling=pooling,
    )
    return VisionBackbone(model, setting.described(info), shortcuts)
