"""What open_clip releases, named `openclip/<model>@<pretrained tag>`.

Only tags are offered whose weights were trained with the activation that the model is built with:
open_clip itself merely warns, and every number moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import open_clip
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from torch import Tensor

from sweeper.backbones import shipped, state_file
from sweeper.backbones.backbone import Backbone, BackboneInfo, Preprocessing
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.clip_config import (
    describe_config,
    describe_text,
    has_plain_image,
    text_ways,
)
from sweeper.backbones.meta import built, filled
from sweeper.backbones.open_clip_model import converted, image_tower_of, model_of
from sweeper.backbones.release_file import ReleaseFile
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.texts import Tokenizer
from sweeper.backbones.whole import WholeBackbone, describe_network
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
        if _activations_agree(model, tag)
    ]
    return (*FIRST, *(name for name in found if name not in FIRST))


@cache
def describe(name: str) -> BackboneInfo:
    """The description of a model and tag, from open_clip's configurations alone.

    Raises:
        InputError: there is none of that name, or the tag needs another activation.
    """
    model, tag = _split(name)
    config = open_clip.get_model_config(model)
    source = open_clip.get_pretrained_cfg(model, tag)
    plain = has_plain_image(config)
    visual = None if plain else built(partial(image_tower_of, config))
    about: Any = {
        "name": name,
        "weights": tag,
        "description": f"{model} with the weights that open_clip releases as '{tag}'",
        "preprocessing": Preprocessing(
            size=config["vision_cfg"]["image_size"] if plain else _image_size(visual),
            mean=tuple(source["mean"]),
            std=tuple(source["std"]),
            interpolation=source["interpolation"],
            resize=RESIZE[source["resize_mode"]],  # type: ignore[arg-type]
        ),
    }
    if plain:
        return describe_config(config, max_prompts=MAX_PROMPTS, **about)
    return describe_network(
        visual,
        embed_dim=config["embed_dim"],
        text_ways=text_ways(config),
        **describe_text(config),
        **about,
    )


def hollow(name: str) -> Any:
    """The model without memory for its weights."""
    return built(partial(model_of, open_clip.get_model_config(_split(name)[0])))


def load(name: str, state: Mapping[str, Tensor] | None = None) -> Any:
    """The model in float32, over `state` by open_clip's names or those that it converts from.

    Where `state` is None the weights come from the cache of the Hugging Face hub, or the network.
    Without the text tower where that is another library's.

    Raises:
        InputError: as `describe`; the weights are not to be had, or do not fit.
    """
    model_name, _ = _split(name)
    if state is None:
        state = state_file.read(fetch(name))
    model = built(partial(model_of, open_clip.get_model_config(model_name)))
    return filled(model, converted(model, state), f"weights of {name}")


def backbone(
    model: Any,
    info: BackboneInfo,
    name: str,
    shortcuts: Shortcuts = ALL,
) -> Backbone:
    """`model`, released as `name`, behind the interface, with the ways in that `info` names."""
    make = ClipBackbone if "input_tokens" in info.ways else WholeBackbone
    return make(model, info, shortcuts, partial(_tokenizer, name))


def weights_path(name: str) -> Path | None:
    """The file of the weights where it is in the cache of the hub; no network."""
    return _file(*_split(name)).cached()


def fetch(name: str) -> Path:
    """The file of the weights, from the cache of the hub or the network.

    Raises:
        InputError: as `describe`; the weights are not to be had.
    """
    return _file(*_split(name)).fetched(name)


def _tokenizer(name: str) -> Tokenizer:
    """The tokenizer of the model.

    Raises:
        InputError: it needs files or a package that are not here.
    """
    try:
        found: Tokenizer = open_clip.get_tokenizer(_split(name)[0])
    except (OSError, ImportError) as error:
        raise InputError(
            Problem(
                f"backbone '{name}'",
                f"its tokenizer is not to be had ({str(error).splitlines()[0]})",
                "the package 'transformers', and the tokenizer's files in the cache of the "
                "Hugging Face hub or a network to fetch them",
                "Without its texts it serves methods with a linear head.",
            )
        ) from error
    return found


def _file(model: str, tag: str) -> ReleaseFile:
    """Where open_clip releases the weights."""
    source = open_clip.get_pretrained_cfg(model, tag)
    repository, _, name = source["hf_hub"].rpartition("/")
    if not name:
        return ReleaseFile(repository, (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME))
    if name.endswith(".bin"):
        return ReleaseFile(repository, (f"{name.removesuffix('.bin')}.safetensors", name))
    return ReleaseFile(repository, (name,))


def _image_size(visual: Any) -> int:
    """Pixels; open_clip's configuration of a timm ViT may say another size than the ViT has."""
    patches = getattr(getattr(visual, "trunk", None), "patch_embed", None)
    sizes = getattr(patches, "img_size", None) or visual.image_size
    return int(sizes[0] if isinstance(sizes, tuple) else sizes)


def _activations_agree(model: str, tag: str) -> bool:
    trained_with = open_clip.get_pretrained_cfg(model, tag).get("quick_gelu", False)
    built_with = open_clip.get_model_config(model).get("quick_gelu", False)
    return bool(trained_with == built_with)


def _split(name: str) -> tuple[str, str]:
    """(model, tag) of a name, checked."""
    model, _, tag = name.removeprefix(PREFIX).partition("@")
    if name in names():
        return model, tag
    if (model, tag) in open_clip.list_pretrained():
        quick = open_clip.get_pretrained_cfg(model, tag).get("quick_gelu", False)
        trained, has = ("QuickGELU", "plain GELU") if quick else ("plain GELU", "QuickGELU")
        right = f"{PREFIX}{model}-quickgelu@{tag}"
        raise InputError(
            Problem(
                f"backbone '{name}'",
                f"the weights '{tag}' were trained with {trained}, '{model}' has {has}",
                f"'{right}'" if right in names() else "weights and a model of one activation",
            )
        )
    raise InputError(
        Problem(
            f"backbone '{name}'",
            "there is none of that name",
            f"'embedded', '{PREFIX}<model>@<pretrained tag>' or 'timm/<model>.<pretrained tag>'",
            nearest(name, [*shipped.names(), *names()]) or "`sweeper backbones '*'` lists them.",
        )
    )
