"""A small CLIP with random weights, for tests that need a backbone and not its knowledge."""

from __future__ import annotations

from typing import Any

import torch
from open_clip.model import CLIP

from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.clip_config import describe_config
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.seeds import keyed

CONFIG: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 48, "head_width": 12, "layers": 3},
    "text_cfg": {
        "context_length": 40,
        "vocab_size": 49408,
        "width": 32,
        "heads": 4,
        "layers": 2,
    },
}


def small_model(config: dict[str, Any] = CONFIG) -> CLIP:
    """The model, with norms and biases drawn too, so that leaving one out shows."""
    with keyed(0, "small clip"):
        model = CLIP(
            config["embed_dim"],
            config["vision_cfg"],
            config["text_cfg"],
            quick_gelu=config.get("quick_gelu", False),
        )
        with torch.no_grad():
            for name, value in model.named_parameters():
                if value.ndim == 1:
                    value.add_(0.2 * torch.randn_like(value))
                elif name.endswith("in_proj_weight"):
                    value.mul_(2)
    return model


def small_clip(config: dict[str, Any] = CONFIG, shortcuts: Shortcuts = ALL) -> ClipBackbone:
    """The backbone over `small_model`."""
    info = describe_config(
        config,
        name="small",
        weights="random",
        description="random weights",
        preprocessing=Preprocessing(
            size=config["vision_cfg"]["image_size"],
            mean=(0.5, 0.5, 0.5),
            std=(0.25, 0.25, 0.25),
            interpolation="bicubic",
            resize="crop",
        ),
        max_prompts=1100,
    )
    return ClipBackbone(small_model(config), info, shortcuts)
