"""What a CLIP is like, read from the configuration that open_clip would build it from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeper.backbones.backbone import BackboneInfo, Preprocessing

# A ViT that `image_tower` computes has no other keys; a text tower that `text_tower` computes has
# these, and no others with any but the values that open_clip takes where they are not given.
VISION_KEYS = {"image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio"} | {
    "ls_init_value",
    "no_ln_pre",
    "final_ln_after_pool",
    "pool_type",
    "output_tokens",
    "patch_dropout",
    "act_kwargs",
    "norm_kwargs",
}
CONTEXT = 77  # tokens, where the configuration says nothing
TEXT_KEYS = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"} | {
    "ls_init_value",
    "output_tokens",
    "act_kwargs",
    "norm_kwargs",
}
TEXT_DEFAULTS = {"no_causal_mask": False, "pool_type": "argmax", "embed_cls": False}
TOWER = frozenset({"input_tokens", "block_tokens", "weights"})  # ways into a plain ViT


def has_plain_image(config: Mapping[str, Any]) -> bool:
    """Whether the image tower is a ViT that `image_tower` computes."""
    vision = config["vision_cfg"]
    return vision.keys() <= VISION_KEYS and isinstance(vision["layers"], int)


def text_ways(config: Mapping[str, Any]) -> frozenset[str]:
    """The ways into the text tower; those of other libraries are not offered."""
    text = config["text_cfg"]
    if "hf_model_name" in text:
        return frozenset()
    other = {n: value for n, value in text.items() if n not in TEXT_KEYS}
    plain = all(n in TEXT_DEFAULTS and TEXT_DEFAULTS[n] == value for n, value in other.items())
    return frozenset({"text", "text_tokens"} if plain else {"text"})


def describe_text(config: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of the text tower, of a `BackboneInfo`."""
    text = config["text_cfg"]
    if "text" not in text_ways(config):
        return {}
    return {
        "text_width": text["width"],
        "text_depth": text["layers"],
        "text_context": text.get("context_length", CONTEXT),
    }


def describe_config(
    config: Mapping[str, Any],
    *,
    name: str,
    weights: str,
    description: str,
    preprocessing: Preprocessing,
    max_prompts: int,
    licence: str = "",
) -> BackboneInfo:
    """The description of the CLIP with a plain ViT that `config` builds."""
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
        ways=TOWER | text_ways(config),
        pooling="mean" if vision.get("pool_type") == "avg" else "cls",
        activation="quick_gelu" if config.get("quick_gelu", False) else "gelu",
        licence=licence,
        **describe_text(config),
    )


def _count(vision: Mapping[str, Any], patches: int, embed_dim: int) -> int:
    """Parameters of the image tower."""
    width, hidden = vision["width"], int(vision["width"] * vision["mlp_ratio"])
    attention = 4 * width * (width + 1)
    mlp = hidden * (width + 1) + width * (hidden + 1)
    entry = 3 * vision["patch_size"] ** 2 * width + width * (patches + 2)
    scales = 0 if vision.get("ls_init_value") is None else 2 * width
    blocks = vision["layers"] * (attention + mlp + 4 * width + scales)
    norms = 2 * width * (1 if vision.get("no_ln_pre") else 2)
    return int(entry + blocks + norms + width * embed_dim)
