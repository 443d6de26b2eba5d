"""Google's original ViT weights (ViT-B_16.npz, as VPT takes them) -> tensors by timm's names.

timm's own reader does the work; the model that it fills is shaped after the file.

Symbols: D width, P patch, N_e patches, L blocks, M hidden units of an MLP, C classes of the head.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]

KERNEL = "embedding/kernel"  # [P, P, 3, D]
POSITIONS = "Transformer/posembed_input/pos_embedding"  # [1, 1 + N_e, D]
HIDDEN = "Transformer/encoderblock_0/MlpBlock_3/Dense_0/kernel"  # [D, M]
HEAD = "head/bias"  # [C]
PRE_LOGITS = "pre_logits/kernel"


def read(path: Path) -> dict[str, Tensor]:
    """The tensors in float32; without the head where it reads pre-logits, which timm has not.

    Raises:
        ValueError, OSError, LookupError: it is damaged, or not such a file.
    """
    from timm.models.vision_transformer import VisionTransformer

    shapes = _shapes(path)
    (patch, *_, width), (_, tokens, _) = shapes[KERNEL], shapes[POSITIONS]
    grid = isqrt(tokens - 1)
    if grid**2 != tokens - 1:
        raise ValueError(f"{tokens} positions, not those of CLS and a square")
    blocks = {name.split("/")[1] for name in shapes if name.startswith("Transformer/encoderblock_")}
    settings: dict[str, Any] = {
        "img_size": patch * grid,
        "patch_size": patch,
        "embed_dim": width,
        "depth": len(blocks),
        "num_heads": 1,  # kernels are stored by head and flattened: their number does not matter
        "mlp_ratio": (shapes[HIDDEN][1] + 0.5) / width,  # timm rounds the product down
        "num_classes": 0 if PRE_LOGITS in shapes else shapes.get(HEAD, (0,))[0],
    }
    model = VisionTransformer(**settings, weight_init="skip")
    model.load_pretrained(str(path))
    return model.state_dict()


def _shapes(path: Path) -> Shapes:
    with np.load(path, allow_pickle=False) as file:
        found = {name: tuple(file[name].shape) for name in file.files}
    missing = [name for name in (KERNEL, POSITIONS, HIDDEN) if name not in found]
    if missing:
        raise ValueError(f"no '{missing[0]}', which Google's ViTs have")
    return found
