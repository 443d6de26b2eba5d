"""The papers' architectures without their weights: to count what a method trains on them.

Shapes are the libraries' own; the memory is not initialised, so no number that comes out of such a
backbone means anything.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import open_clip
import timm
import torch

from sweeper.backbones.backbone import Backbone, Preprocessing
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.clip_config import describe_config
from sweeper.backbones.meta import built
from sweeper.backbones.vision import VisionBackbone, describe_model

CLIPS = {"clip-b32": "ViT-B-32-quickgelu", "clip-b16": "ViT-B-16-quickgelu"}
VITS = {"vit-b16": "vit_base_patch16_224", "vit-s16": "vit_small_patch16_224"}
HALF = (0.5, 0.5, 0.5)
PREPROCESSING = Preprocessing(224, HALF, HALF, "bicubic", "crop")
ABOUT: dict[str, Any] = {
    "weights": "none",
    "description": "an architecture without weights",
    "preprocessing": PREPROCESSING,
    "max_prompts": 256,
}


@cache
def hollow(name: str) -> Backbone:
    """The architecture of that name, a key of `CLIPS` or `VITS`, on the CPU."""
    if name in CLIPS:
        config = open_clip.get_model_config(CLIPS[name])
        clip = built(lambda: open_clip.CLIP(**config))
        return ClipBackbone(_filled(clip), describe_config(config, name=name, **ABOUT))
    model = built(lambda: timm.create_model(VITS[name]))
    return VisionBackbone(_filled(model), describe_model(model, name=name, **ABOUT))


def _filled(model: torch.nn.Module) -> Any:
    return model.to_empty(device="cpu")
