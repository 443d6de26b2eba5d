"""A small timm ViT with random weights, for tests of methods without a text tower."""

from __future__ import annotations

from sweeper.backbones.random_vit import random_model as small_vit_model
from sweeper.backbones.random_vit import random_vit as small_vit

__all__ = ["small_vit", "small_vit_model"]
