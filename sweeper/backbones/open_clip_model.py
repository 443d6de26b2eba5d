"""An open_clip model as its configuration builds it, and weights by its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import open_clip
import torch
from open_clip.coca_model import CoCa
from open_clip.convert import convert_state_dict
from open_clip.model import (
    CustomTextCLIP,
    _build_vision_tower,
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)
from torch import Tensor, nn

from sweeper.backbones.weights_file import NUMBERS


def image_tower_of(config: Mapping[str, Any]) -> Any:
    """The image tower alone."""
    return _build_vision_tower(
        config["embed_dim"], config["vision_cfg"], config.get("quick_gelu", False)
    )


def model_of(config: dict[str, Any]) -> Any:
    """The model, as open_clip's own factory chooses its class."""
    if "hf_model_name" in config["text_cfg"]:
        return nn.ModuleDict({"visual": image_tower_of(config)})
    custom = config.pop("custom_text", False)
    if "multimodal_cfg" in config:
        return CoCa(**config)
    return (CustomTextCLIP if custom else open_clip.CLIP)(**config)


def converted(model: Any, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """`state` by the names of `model`, as open_clip's own loader converts it."""
    found: dict[str, Tensor] = convert_state_dict(
        model, {n.removeprefix("module."): value for n, value in state.items()}
    )
    if isinstance(model, nn.ModuleDict):
        found = {n: value for n, value in found.items() if n.startswith("visual.")}
        resize_pos_embed(found, model)
        return found
    if not hasattr(model, "positional_embedding"):
        found = convert_to_custom_text_state_dict(found)
    for beside in NUMBERS:
        found.pop(beside, None)
    if model.logit_bias is not None and "logit_bias" not in found:
        found["logit_bias"] = torch.zeros_like(found["logit_scale"])
    for scalar in {"logit_scale", "logit_bias"} & found.keys():
        found[scalar] = found[scalar].reshape(getattr(model, scalar).shape)
    resize_pos_embed(found, model)
    resize_text_pos_embed(found, model)
    return found
