"""Files of weights made for tests: timm's smallest released ViT, drawn at random, in 23 MB."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from sweeper.seeds import keyed

TINY = "vit_tiny_patch16_224"


@cache
def tiny_model(classes: int = 10) -> Any:
    """timm's own model, every tensor drawn."""
    with keyed(0, "tiny file", classes):
        model = timm.create_model(TINY, num_classes=classes).eval()
        with torch.no_grad():
            for value in model.parameters():
                value.add_(0.02 * torch.randn_like(value))
    return model


def tiny_state(classes: int = 10) -> dict[str, Tensor]:
    """Its tensors by timm's names."""
    return dict(tiny_model(classes).state_dict())


def tiny_file(folder: Path, classes: int = 10, name: str = "tiny.safetensors") -> Path:
    """A file with them."""
    save_file(tiny_state(classes), folder / name)
    return folder / name
