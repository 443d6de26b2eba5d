"""The embedded CLIP as its configuration builds it, and its towers while they are trained.

Symbols: B images, n texts, T tokens of a text, E joint width.
"""

import json
from pathlib import Path
from typing import Any

from open_clip.model import CLIP
from torch import Tensor
from torch.nn import functional

from sweeper.backbones.clip import image_tower
from sweeper.backbones.prompts import Prompts
from sweeper.backbones.texts import text_tower

HERE = Path(__file__).parent


def load_config() -> dict[str, Any]:
    """The shipped ``config.json``: embed_dim, vision_cfg, text_cfg and preprocess."""
    config: dict[str, Any] = json.loads((HERE / "config.json").read_text())
    return config


def build_model(config: dict[str, Any]) -> CLIP:
    """A freshly initialised ``CLIP`` of the given configuration."""
    return CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])


def encode_image(model: CLIP, images: Tensor) -> Tensor:
    """Unnormalised features ``[B, E]`` of normalised images ``[B, 3, H, W]``."""
    return image_tower(model.visual).encode(images, Prompts())


def encode_text(model: CLIP, table: Tensor, rows: Tensor, end: Tensor) -> Tensor:
    """Unnormalised features ``[n, E]`` of texts given as rows ``[n, T]`` of an embedding table.

    ``end`` ``[n]`` is the place of the end-of-text token; T may be shorter than the context.
    """
    return text_tower(model).encode(functional.embedding(rows, table), end)
