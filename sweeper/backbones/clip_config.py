"""What a CLIP is like, read from the configuration that open_clip would build it from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeper.backbones.backbone import BackboneInfo, Preprocessing

# A configuration with any other key is not the plain CLIP that `ClipBackbone` runs.
VISION_KEYS = {"image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio"}
CONTEXT = 77  # tokens, where the configuration says nothing
TEXT_KEYS = {"context_length", "vocab_size", "width", "heads", "layers"}


def is_plain(config: Mapping[str, Any]) -> bool:
    """Whether both towers are the transformers of the original CLIP, of whatever size."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    return (
        vision.keys() <= VISION_KEYS
        and text.keys() <= TEXT_KEYS
        and isinstance(vision["layers"], int)
        and not config.get("custom_text", False)
    )


def describe_config(
    config: Mapping[str, Any],
    *,
    name: str,
    weights: str,
    description: str,
    preprocessing: Preprocessing,
    max_prompts: int,
) -> BackboneInfo:
    """The description of the CLIP that `config` builds."""
    text = config["text_cfg"]
    vision = {"head_width": 64, "mlp_ratio": 4.0} | config["vision_cfg"]
    patches = (vision["image_size"] // vision["patch_size"]) ** 2
    return BackboneInfo(
        name=name,
        weights=weights,
        description=description,
        width=vision["width"],
        depth=vision["layers"],
        heads=vision["width"] // vision["head_width"],
        patch=vision["patch_size"],
        patches=patches,
        embed_dim=config["embed_dim"],
        max_prompts=max_prompts,
        parameters=_count(vision, patches, config["embed_dim"]),
        preprocessing=preprocessing,
        ways=frozenset({"input_tokens", "block_tokens", "weights", "text", "text_tokens"}),
        text_width=text["width"],
        text_depth=text["layers"],
        text_context=text.get("context_length", CONTEXT),
        activation="quick_gelu" if config.get("quick_gelu", False) else "gelu",
    )


def _count(vision: Mapping[str, Any], patches: int, embed_dim: int) -> int:
    """Parameters of the image tower."""
    width, hidden = vision["width"], int(vision["width"] * vision["mlp_ratio"])
    attention = 4 * width * (width + 1)
    mlp = hidden * (width + 1) + width * (hidden + 1)
    entry = 3 * vision["patch_size"] ** 2 * width + width * (patches + 2)
    blocks = vision["layers"] * (attention + mlp + 4 * width)
    return int(entry + blocks + 4 * width + width * embed_dim)
