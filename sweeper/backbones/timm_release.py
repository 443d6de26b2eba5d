"""The ViTs and ResNets that timm releases, named `timm/<model>.<pretrained tag>`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import timm
from timm.models._helpers import clean_state_dict
from timm.models._hub import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from timm.models.vision_transformer import _RADIO_ALIGN_CORNERS
from torch import Tensor

from sweeper.backbones import state_file
from sweeper.backbones.backbone import Backbone, BackboneInfo, Preprocessing
from sweeper.backbones.meta import built, filled
from sweeper.backbones.release_file import ReleaseFile
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.vision import VisionBackbone, describe_model, oddities
from sweeper.backbones.whole import WholeBackbone, describe_network
from sweeper.errors import InputError, Problem, nearest

PREFIX = "timm/"

# Those of the papers, listed first: AugReg (SPT, SSF), the original 21k weights (VPT), MAE, DINO,
# and the networks with mapped heads of VP.
FIRST = tuple(
    PREFIX + model
    for model in (
        "vit_base_patch16_224.augreg_in21k",
        "vit_base_patch16_224.orig_in21k",
        "vit_base_patch16_224.mae",
        "vit_small_patch16_224.dino",
        "vit_base_patch32_224.augreg_in21k",
        "resnetv2_50x1_bit.goog_in21k",
        "resnext101_32x8d.fb_wsl_ig1b_ft_in1k",
        "resnet50.tv_in1k",
    )
)

# timm's files of architectures: all ViTs, whatever their tokens and positions, and the ResNets.
VITS = {"vision_transformer", "deit", "vision_transformer_hybrid", "eva", "beit"} | {
    "vision_transformer_relpos",
    "vision_transformer_sam",
}
FAMILIES = VITS | {"resnet", "resnetv2"}

# Prompts carry no position, so a tower sets no limit; memory does, see `released.MAX_PROMPTS`.
MAX_PROMPTS = 256


@cache
def names() -> tuple[str, ...]:
    """Every model and tag that `load` takes."""
    found = [
        PREFIX + model
        for model in timm.list_pretrained()
        if _family(model) in FAMILIES and _is_square(timm.get_pretrained_cfg(model))
    ]
    return (*FIRST, *(name for name in found if name not in FIRST))


@cache
def describe(name: str) -> BackboneInfo:
    """The description of a model and tag, from timm's configurations alone.

    MAE trained no CLS for its features: its tokens are averaged, prompts included, as VPT, GateVPT
    and SPT do.

    Raises:
        InputError: there is none of that name.
    """
    config = _config(name)
    architecture, _, tag = name.removeprefix(PREFIX).partition(".")
    model = _built(architecture, config.num_classes)
    about: Any = {
        "name": name,
        "weights": tag,
        "description": f"{architecture} with the weights that timm releases as '{tag}'",
        "licence": config.license or "",
        "preprocessing": Preprocessing(
            size=config.input_size[-1],
            mean=tuple(config.mean),
            std=tuple(config.std),
            interpolation=config.interpolation,
            resize="squash" if config.crop_mode == "squash" else "crop",
        ),
    }
    if list(oddities(model)):
        return describe_network(model, embed_dim=model.head_hidden_size, **about)
    pooling: Any = "mean" if tag == "mae" else None
    return describe_model(model, max_prompts=MAX_PROMPTS, pooling=pooling, **about)


def hollow(name: str, classes: int) -> Any:
    """The model without memory for its weights, with a head for `classes`, none for 0."""
    _config(name)  # there is one of that name
    return _built(name.removeprefix(PREFIX).partition(".")[0], classes)


def load(name: str, state: Mapping[str, Tensor] | None = None) -> Any:
    """The model in float32, over `state` by timm's names or those that it converts from.

    A `state` brings its own head. Where it is None the weights come from the caches that timm
    uses, or the network.

    Raises:
        InputError: as `describe`; the weights are not to be had, or do not fit.
    """
    config = _config(name)
    if state is None:
        classes, found = config.num_classes, clean_state_dict(state_file.read(fetch(name)))
    else:
        found = clean_state_dict(dict(state))
        classes = len(found.get(f"{config.classifier}.weight", ()))
    model = built(lambda: timm.create_model(name.removeprefix(PREFIX), num_classes=classes))
    return filled(model, _converted(name, model, found), f"weights of {name}")


def backbone(
    model: Any,
    info: BackboneInfo,
    name: str,  # noqa: ARG001  which `released` needs
    shortcuts: Shortcuts = ALL,
) -> Backbone:
    """`model`, released as `name`, behind the interface, with the ways in that `info` names."""
    return (VisionBackbone if "input_tokens" in info.ways else WholeBackbone)(
        model, info, shortcuts
    )


def weights_path(name: str) -> Path | None:
    """The file of the weights where it is in a cache of timm's; no network."""
    return _file(_config(name)).cached()


def fetch(name: str) -> Path:
    """The file of the weights, from the caches that timm uses or the network.

    Raises:
        InputError: as `describe`; the weights are not to be had.
    """
    return _file(_config(name)).fetched(name)


@cache
def _built(architecture: str, classes: int) -> Any:
    """The model without memory for its weights; tags of one architecture differ in their heads."""
    return built(lambda: timm.create_model(architecture, num_classes=classes))


def _converted(name: str, model: Any, state: dict[str, Tensor]) -> Mapping[str, Tensor]:
    """`state` by the names of `model`, as timm's own loader of that family converts it."""
    architecture = name.removeprefix(PREFIX).partition(".")[0]
    convert = getattr(
        import_module(f"timm.models.{_family(architecture)}"), "checkpoint_filter_fn", None
    )
    if convert is None:
        return state
    settings: dict[str, object] = {}
    if _family(architecture) == "deit":
        settings = {"adapt_layer_scale": True}
    elif "flexi" in architecture or "radio" in architecture:
        settings = {"interpolation": "bilinear", "antialias": False}
    if "radio" in architecture:
        settings["align_corners"] = any(n in architecture for n in _RADIO_ALIGN_CORNERS)
    found: dict[str, Tensor] = convert(state, model, **settings)
    if "siglip" in architecture and model.attn_pool is None:
        return {n: value for n, value in found.items() if not n.startswith("attn_pool.")}
    return found


def _file(config: Any) -> ReleaseFile:
    """Where timm releases the weights."""
    if not config.hf_hub_id:
        return ReleaseFile("", (), config.url)
    if config.hf_hub_filename:
        return ReleaseFile(config.hf_hub_id, (config.hf_hub_filename,))
    return ReleaseFile(config.hf_hub_id, (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME))


def _config(name: str) -> Any:
    """What timm says of the weights of that name."""
    if name not in names():
        rule = f"'{PREFIX}<model>.<pretrained tag>' of a ViT or a ResNet"
        raise InputError(
            Problem(
                f"backbone '{name}'",
                "there is none of that name",
                rule,
                nearest(name, list(names())) or "`sweeper backbones 'timm/*'` lists them.",
            )
        )
    return timm.get_pretrained_cfg(name.removeprefix(PREFIX))


def _family(model: str) -> str:
    """The file of timm that the architecture stands in."""
    return timm.models.model_entrypoint(model.partition(".")[0]).__module__.rpartition(".")[2]


def _is_square(config: Any) -> bool:
    return bool(config.input_size[1] == config.input_size[2])
