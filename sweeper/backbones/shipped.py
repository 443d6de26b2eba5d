"""The backbones that come with sweeper: `embedded`, and what can be cut from it.

`embedded/first-2` has only the first two blocks of its image tower, and then the same norm and
projection: smaller, and not trained for it. `embedded/untrained` has an image tower of the same
shape as it is initialised. The text tower is that of `embedded` in all of them. They are what
sweeps over backbones and over sizes of backbones run on without a download.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.clip_config import describe_config
from sweeper.errors import InputError, Problem

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path(__file__).parent / "embedded"

# Prompts carry no position, so the tower sets no limit. Training 128 images a step with 128
# prompts keeps about 0.3 GiB for the backward pass and costs nine times a step without prompts.
MAX_PROMPTS = 128


NAME = "embedded"
UNTRAINED = "embedded/untrained"
_FIRST = "embedded/first-"
_WHAT = "small CLIP that comes with sweeper, trained on images that it draws"


def names() -> list[str]:
    """`embedded`, then the others, the deepest first."""
    depth = _config()["vision_cfg"]["layers"]
    return [NAME, *(f"{_FIRST}{kept}" for kept in range(depth - 1, 0, -1)), UNTRAINED]


@cache
def describe(name: str = NAME) -> BackboneInfo:
    """The description of one of `names`; its `weights` stem from the digest of the file.

    Raises:
        InputError: the weights are not there.
    """
    config = _cut(name)
    # It was trained on images drawn at its own size; others are brought to it as CLIP's are.
    settings = {"interpolation": "bicubic", "resize": "crop"} | config["preprocess"]
    mean, std = tuple(settings.pop("mean")), tuple(settings.pop("std"))
    digest = hashlib.sha256(_weights().read_bytes()).hexdigest()[:16]
    blocks = config["vision_cfg"]["layers"]
    others = {UNTRAINED: "; its image tower untrained", NAME: ""}
    return describe_config(
        config,
        name=name,
        weights=digest + name.removeprefix(NAME),
        description=_WHAT + others.get(name, f"; blocks of its image tower: the first {blocks}"),
        preprocessing=Preprocessing(mean=mean, std=std, **settings),
        max_prompts=MAX_PROMPTS,
        licence="apache-2.0",
    )


def load(name: str = NAME) -> Any:
    """The model as an `open_clip.model.CLIP` in float32; any missing or extra weight is an error.

    Raises:
        InputError: the weights are not there.
    """
    from open_clip.model import CLIP

    from sweeper.backbones import state_file
    from sweeper.backbones.meta import built, filled
    from sweeper.seeds import keyed

    config = _cut(name)

    def make() -> CLIP:
        return CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])

    state = _kept(state_file.read(_weights()), config["vision_cfg"]["layers"])
    if name == UNTRAINED:
        with keyed(0, UNTRAINED):
            drawn = make().state_dict()
        state |= {key: value for key, value in drawn.items() if key.startswith("visual.")}
    return filled(built(make), state, f"weights of {name}")


def _kept(state: Mapping[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """`state` with the first `blocks` blocks of the image tower alone."""
    prefix = "visual.transformer.resblocks."
    return {
        key: value
        for key, value in state.items()
        if not key.startswith(prefix) or int(key.removeprefix(prefix).split(".")[0]) < blocks
    }


def _cut(name: str) -> dict[str, Any]:
    """The configuration of one of `names`."""
    config = _config()
    if name.startswith(_FIRST):
        config["vision_cfg"]["layers"] = int(name.removeprefix(_FIRST))
    return config


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
