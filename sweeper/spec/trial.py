"""The unit that trains: one cell with a seed, and its identity.

A `TrialSpec` says what is computed and nothing else: no path, no host, no clock, no resources.
Its digest is its id, so the same trial has the same id in every sweep and on every machine,
and resuming a sweep is a set difference.
"""

from __future__ import annotations

import hashlib
import json
import operator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def _later(default: Any, description: str, **bounds: Any) -> Any:
    """A field that came after the first trials were recorded: at its default it is not written,
    so that their ids stay what they are.
    """
    return Field(
        default, description=description, exclude_if=lambda value: value == default, **bounds
    )


class Recipe(BaseModel):
    """How a trial is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(100, ge=0, le=100_000, description="passes over the training split")
    batch_size: int = Field(128, ge=1, le=65_536, description="images a step, over all workers")
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="sgd has momentum")
    lr: float = Field(0.1, gt=0, le=1e4, description="peak learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd; adamw does not read it")
    weight_decay: float = Field(0.0, ge=0, le=10, description="on tensors of two or more axes")
    warmup_epochs: int = Field(0, ge=0, description="linear warm-up, part of `epochs`")
    schedule: Literal[
        "cosine",
        "pgn_official",
        "constant",
        "vpt_official",
        "spt_official",
        "vp_official",
        "coop_official",
    ] = Field(
        "cosine",
        description="cosine: to zero; constant: none after warm-up; *_official: as the paper's "
        "public code, formulas in sweeper/train/schedule.py",
    )
    augmentation: Literal["none", "flip", "vpt", "coop", "pgn_official"] = _later(
        "none", "of the training images, on the device; formulas in sweeper/train/augmentation.py"
    )
    snapshots: int = _later(
        0, "epochs, evenly spaced and the last among them, whose trained tensors are kept", ge=0
    )


class Protocol(BaseModel):
    """What may be selected on, what is trained on, what the frozen network is given and how it is
    read. Two trials that differ in any of it are not comparable.

    `weights`: as the weights' own tag says. Which head classifies is a parameter of the methods
    that offer a choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    selection: Literal["last", "best_val", "best_test"] = Field(
        "last",
        description="which epoch's parameters are tested: the last, the best on val, or the best "
        "on test, as the public code of some papers does; only with preset: official, and flagged",
    )
    train_on: Literal["train", "train+val"] = Field(
        "train", description="train+val is what PGN's public code does; excludes best_val"
    )
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the forward pass")
    shots: int = _later(0, "training images of each class; 0: all; val: at most 4 then", ge=0)
    data_fraction: float = _later(1.0, "share of the training images of each class", gt=0, le=1)
    template: str = _later("", "text with '{}' for the class; empty: the task's; coop: CoOp's")
    normalisation: Literal["weights", "imagenet", "clip", "half"] = _later(
        "weights", "mean and std of the images; half: 0.5 and 0.5"
    )
    resize: Literal["weights", "crop", "squash"] = _later(
        "weights", "crop: short side, then the centre; squash: both sides at once"
    )
    interpolation: Literal["weights", "bilinear", "bicubic"] = _later("weights", "of the resizing")
    activation: Literal["weights", "gelu", "quick_gelu"] = _later(
        "weights", "in the MLPs; any other than the weights were trained with moves every number"
    )
    pooling: Literal["weights", "cls", "mean", "patches"] = _later(
        "weights", "the image feature: CLS; mean of all other tokens, with prompts or without"
    )
    final_norm: Literal["weights", "fresh", "none"] = _later(
        "weights", "fresh: weight 1 and bias 0, as VPT's code reads MAE; none: left out"
    )


class TrialSpec(BaseModel):
    """One trial, complete: every default is written out, so the id cannot drift with the code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str  # a built-in name, or name@digest for a plugin file
    params: dict[str, Any]
    backbone: str
    weights: str  # digest or tag of the backbone's weights
    task: str  # a built-in name, the name of a folder of images, or some of them joined by '+'
    data: str  # version or content digest of the task's data
    recipe: Recipe
    protocol: Protocol
    # Parameter that names another task -> identity of its data. Where there is none it is not
    # written, so that ids do not depend on whether a version of this code knew of such parameters.
    others: dict[str, str] = Field({}, exclude_if=operator.not_)
    seed: int

    @property
    def cell_id(self) -> str:
        """Digest of everything but the seed: 16 hexadecimal digits."""
        return _digest(self.model_dump(mode="json", exclude={"seed"}))

    @property
    def id(self) -> str:
        """Digest of what is computed: 16 hexadecimal digits."""
        return _digest(self.model_dump(mode="json"))

    def flat(self) -> dict[str, Any]:
        """Every setting under its short name, as sweep files, MLflow and reports show it."""
        return {
            "method": self.method,
            "backbone": self.backbone,
            "task": self.task,
            **self.params,
            **self.recipe.model_dump(),
            **self.protocol.model_dump(),
            "seed": self.seed,
        }


def _digest(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
