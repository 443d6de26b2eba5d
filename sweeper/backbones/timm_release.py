"""The plain ViTs that timm releases, named `timm/<model>.<pretrained tag>`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import timm
import torch
from torch import Tensor

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.vision import describe_model
from sweeper.errors import InputError, Problem, nearest

PREFIX = "timm/"

# Those of the papers, listed first: AugReg (SPT, SSF), the original 21k weights (VPT), MAE, DINO.
FIRST = tuple(
    f"{PREFIX}vit_{model}"
    for model in (
        "base_patch16_224.augreg_in21k",
        "base_patch16_224.orig_in21k",
        "base_patch16_224.mae",
        "small_patch16_224.dino",
    )
)

PLAIN = re.compile(r"vit_(tiny|small|base|large|huge)_patch\d+_\d+")

# Prompts carry no position, so a tower sets no limit; memory does, see `released.MAX_PROMPTS`.
MAX_PROMPTS = 256


@cache
def names() -> tuple[str, ...]:
    """Every model and tag that `load` takes."""
    listed = (PREFIX + n for n in timm.list_pretrained() if PLAIN.fullmatch(n.partition(".")[0]))
    return (*FIRST, *(name for name in listed if name not in FIRST))


@cache
def describe(name: str) -> BackboneInfo:
    """The description of a model and tag, from timm's configurations alone.

    MAE trained no CLS for its features: its tokens are averaged, prompts included, as VPT, GateVPT
    and SPT do.

    Raises:
        InputError: there is none of that name.
    """
    model = _split(name)
    config: Any = timm.get_pretrained_cfg(model)
    architecture, _, tag = model.partition(".")
    return describe_model(
        _built(architecture, config.num_classes),
        name=name,
        weights=tag,
        description=f"{architecture} with the weights that timm releases as '{tag}'",
        preprocessing=Preprocessing(
            size=config.input_size[-1],
            mean=tuple(config.mean),
            std=tuple(config.std),
            interpolation=config.interpolation,
            resize="crop",
        ),
        max_prompts=MAX_PROMPTS,
        pooling="mean" if tag == "mae" else "cls",
    )


def hollow(name: str, classes: int) -> Any:
    """The model without memory for its weights, with a head for `classes`, none for 0."""
    with torch.device("meta"):
        architecture = _split(name).partition(".")[0]
        return timm.create_model(architecture, pretrained=False, num_classes=classes)


def load(name: str, state: Mapping[str, Tensor] | None = None) -> Any:
    """The model in float32: with `state`, whose head it takes, or from the caches of timm or the
    network.

    Raises:
        InputError: as `describe`; or the weights are neither cached nor to be had.
    """
    model = _split(name)
    if state is not None:
        head = timm.get_pretrained_cfg(model).classifier  # type: ignore[union-attr]
        classes = len(state.get(f"{head}.weight", ()))
        filled = hollow(name, classes)
        filled.load_state_dict(state, strict=True, assign=True)
        return filled
    try:
        return timm.create_model(model, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            Problem(
                f"backbone '{name}'",
                f"its weights are not to be had ({error})",
                "the weights in the cache of huggingface_hub, or a network to fetch them",
                "Load it once where there is a network and copy that cache here (HF_HOME says "
                "where it is); `embedded` needs neither.",
            )
        ) from error


@cache
def _built(architecture: str, classes: int) -> Any:
    """The model without memory for its weights."""
    with torch.device("meta"):
        return timm.create_model(architecture, pretrained=False, num_classes=classes)


def _split(name: str) -> str:
    """The model and tag of a name, checked."""
    if name not in names():
        hint = nearest(name, list(names()))
        rule = f"'{PREFIX}<model>.<pretrained tag>' of a plain ViT"
        raise InputError(Problem(f"backbone '{name}'", "there is none of that name", rule, hint))
    return name.removeprefix(PREFIX)
