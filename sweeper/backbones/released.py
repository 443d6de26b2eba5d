"""The CLIPs that open_clip releases, named `openclip/<model>@<pretrained tag>`.

Only plain CLIPs are offered, and only with tags whose weights were trained with the activation
that the model is built with: open_clip itself merely warns, and every number moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import open_clip
import torch
from torch import Tensor

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.clip_config import describe_config, is_plain
from sweeper.errors import InputError, Problem, nearest

PREFIX = "openclip/"

# Those of the papers, listed first.
FIRST = tuple(f"{PREFIX}ViT-{size}-quickgelu@openai" for size in ("B-32", "B-16", "L-14"))

# Prompts carry no position, so a tower sets no limit; memory does. Training ViT-B/32 with 128
# images a step and 256 prompts keeps about 16 GiB of activations for the backward pass.
MAX_PROMPTS = 256

RESIZE = {"shortest": "crop", "squash": "squash"}


@cache
def names() -> tuple[str, ...]:
    """Every model and tag that `load` takes."""
    found = [
        f"{PREFIX}{model}@{tag}"
        for model, tag in open_clip.list_pretrained()
        if is_plain(open_clip.get_model_config(model)) and _activations_agree(model, tag)
    ]
    return (*FIRST, *(name for name in found if name not in FIRST))


def describe(name: str) -> BackboneInfo:
    """The description of a model and tag, from open_clip's configurations alone.

    Raises:
        InputError: there is none of that name, or the tag needs another activation.
    """
    model, tag = _split(name)
    config = open_clip.get_model_config(model)
    source = open_clip.get_pretrained_cfg(model, tag)
    return describe_config(
        config,
        name=name,
        weights=tag,
        description=f"CLIP {model} with the weights that open_clip releases as '{tag}'",
        preprocessing=Preprocessing(
            size=config["vision_cfg"]["image_size"],
            mean=tuple(source["mean"]),
            std=tuple(source["std"]),
            interpolation=source["interpolation"],
            resize=RESIZE[source["resize_mode"]],  # type: ignore[arg-type]
        ),
        max_prompts=MAX_PROMPTS,
    )


def hollow(name: str) -> Any:
    """The model without memory for its weights."""
    with torch.device("meta"):
        return open_clip.CLIP(**open_clip.get_model_config(_split(name)[0]))


def load(name: str, state: Mapping[str, Tensor] | None = None) -> Any:
    """The model as an `open_clip.model.CLIP` in float32: with `state`, or from open_clip's caches
    or the network.

    Raises:
        InputError: as `describe`; or the weights are neither cached nor to be had.
    """
    model, tag = _split(name)
    if state is not None:
        filled = hollow(name)
        filled.load_state_dict(state, strict=True, assign=True)
        # the causal mask is in no file, and was made without memory too
        filled.attn_mask = torch.full(filled.attn_mask.shape, float("-inf")).triu_(1)
        return filled
    try:
        file = open_clip.download_pretrained(open_clip.get_pretrained_cfg(model, tag))
    except OSError as error:
        raise InputError(
            Problem(
                f"backbone '{name}'",
                f"its weights are not to be had ({error})",
                "the weights in the cache of huggingface_hub, or a network to fetch them",
                "Load it once where there is a network and copy that cache here (HF_HOME says "
                "where it is); `embedded` needs neither.",
            )
        ) from error
    return open_clip.create_model(model, pretrained=str(file), weights_only=True)


def _activations_agree(model: str, tag: str) -> bool:
    trained_with = open_clip.get_pretrained_cfg(model, tag).get("quick_gelu", False)
    built_with = open_clip.get_model_config(model).get("quick_gelu", False)
    return bool(trained_with == built_with)


def _split(name: str) -> tuple[str, str]:
    """(model, tag) of a name, checked."""
    model, _, tag = name.removeprefix(PREFIX).partition("@")
    if name in names():
        return model, tag
    right = f"{PREFIX}{model}-quickgelu@{tag}"
    if right in names():
        raise InputError(
            Problem(
                f"backbone '{name}'",
                f"the weights '{tag}' were trained with QuickGELU, '{model}' has plain GELU",
                f"'{right}'",
            )
        )
    raise InputError(
        Problem(
            f"backbone '{name}'",
            "there is none of that name",
            f"'embedded', '{PREFIX}<model>@<pretrained tag>' or 'timm/<model>.<pretrained tag>'",
            nearest(name, ["embedded", *names()]),
        )
    )
