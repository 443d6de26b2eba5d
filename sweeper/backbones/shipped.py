"""The backbone that comes with sweeper: `embedded/config.json` and `weights.safetensors`."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.clip_config import describe_config
from sweeper.errors import InputError, Problem

FOLDER = Path(__file__).parent / "embedded"

# Prompts carry no position, so the tower sets no limit. Training 128 images a step with 128
# prompts keeps about 0.3 GiB for the backward pass and costs nine times a step without prompts.
MAX_PROMPTS = 128


@cache
def describe() -> BackboneInfo:
    """The description of `embedded`; `weights` is the digest of the file.

    Raises:
        InputError: the weights are not there.
    """
    config = _config()
    # It was trained on images drawn at its own size; others are brought to it as CLIP's are.
    settings = {"interpolation": "bicubic", "resize": "crop"} | config["preprocess"]
    mean, std = tuple(settings.pop("mean")), tuple(settings.pop("std"))
    return describe_config(
        config,
        name="embedded",
        weights=hashlib.sha256(_weights().read_bytes()).hexdigest()[:16],
        description="small CLIP that comes with sweeper, trained on images that it draws",
        preprocessing=Preprocessing(mean=mean, std=std, **settings),
        max_prompts=MAX_PROMPTS,
        licence="apache-2.0",
    )


def load() -> Any:
    """The model as an `open_clip.model.CLIP` in float32; any missing or extra weight is an error.

    Raises:
        InputError: the weights are not there.
    """
    from open_clip.model import CLIP

    from sweeper.backbones import state_file
    from sweeper.backbones.meta import built, filled

    config = _config()
    model = built(lambda: CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"]))
    return filled(model, state_file.read(_weights()), "weights of embedded")


def _config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads((FOLDER / "config.json").read_text())
    return config


def weights_path() -> Path | None:
    """The file of the weights, if it is there."""
    path = FOLDER / "weights.safetensors"
    return path if path.is_file() else None


def _weights() -> Path:
    path = weights_path()
    if path is None:
        raise InputError(
            Problem(
                "backbone 'embedded'",
                "weights.safetensors is not beside its config.json",
                "the weights that come with sweeper",
                "Install sweeper again, or train: python -m sweeper.backbones.embedded.pretrain",
            )
        )
    return path
