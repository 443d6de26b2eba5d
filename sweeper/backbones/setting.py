"""Where the protocol gives a frozen network its images, or reads it, otherwise than as released.

The words are applied where a tower is put together: to its shape, its weights and its pooling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper.backbones.block import BlockShape
from sweeper.backbones.image_tower import ImageTower
from sweeper.backbones.text_tower import TextTower
from sweeper.errors import InputError, Problem
from sweeper.spec.trial import Protocol

if TYPE_CHECKING:
    from sweeper.backbones.backbone import BackboneInfo, Preprocessing

Statistics = tuple[tuple[float, float, float], tuple[float, float, float]]  # mean, std

NORMALISATIONS: dict[str, Statistics] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
INSIDE = ("activation", "pooling", "final_norm")  # words about blocks that run here
FINAL_NORM = ("norm.weight", "norm.bias")


def quick_gelu(x: Tensor) -> Tensor:
    """The gate x sigmoid(1.702 x), as OpenAI's CLIP has it."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "quick_gelu": quick_gelu}


@dataclass(frozen=True)
class Setting:
    """The protocol's words about the frozen network, see `Protocol`; `weights`: as released."""

    normalisation: Literal["weights", "imagenet", "clip", "half"] = "weights"
    resize: Literal["weights", "crop", "squash"] = "weights"
    interpolation: Literal["weights", "bilinear", "bicubic"] = "weights"
    activation: Literal["weights", "gelu", "quick_gelu"] = "weights"
    pooling: Literal["weights", "cls", "mean", "patches"] = "weights"
    final_norm: Literal["weights", "fresh", "none"] = "weights"

    @classmethod
    def of(cls, protocol: Protocol) -> Setting:
        """The setting that a trial's protocol asks for."""
        return cls(**{each.name: getattr(protocol, each.name) for each in fields(cls)})

    def misfit(self, info: BackboneInfo) -> str:
        """Why the network cannot have it; empty if it can."""
        asked = [f"{n}: {getattr(self, n)}" for n in INSIDE if getattr(self, n) != "weights"]
        if asked and "block_tokens" not in info.ways:
            return f"{', '.join(asked)} needs the blocks of a ViT, which it does not offer"
        return ""

    def described(self, info: BackboneInfo) -> BackboneInfo:
        """The description of a network, as released until now, under this setting.

        Raises:
            InputError: it cannot have it.
        """
        if reason := self.misfit(info):
            rule = "words of the protocol that it can have"
            raise InputError(Problem(f"backbone '{info.name}'", reason, rule))
        return replace(
            info,
            preprocessing=self._preprocessing(info.preprocessing),
            pooling=info.pooling if self.pooling == "weights" else self.pooling,
            activation=info.activation if self.activation == "weights" else self.activation,
            setting=self,
        )

    def tower(self, tower: ImageTower) -> ImageTower:
        """The image tower, as released until now, under this setting."""
        weights = dict(tower.weights)
        if self.final_norm == "fresh":
            weights["norm.weight"] = torch.ones_like(weights["norm.weight"])
            weights["norm.bias"] = torch.zeros_like(weights["norm.bias"])
        elif self.final_norm == "none":
            weights = {n: value for n, value in weights.items() if n not in FINAL_NORM}
        return replace(
            tower,
            weights=weights,
            shape=self.shape(tower.shape),
            pooling=tower.pooling if self.pooling == "weights" else self.pooling,
        )

    def text_tower(self, tower: TextTower) -> TextTower:
        """The text tower, as released until now, under this setting."""
        return replace(tower, shape=self.shape(tower.shape))

    def shape(self, shape: BlockShape) -> BlockShape:
        """The shape of a tower's blocks, as released until now, under this setting."""
        if self.activation == "weights":
            return shape
        return replace(shape, activation=ACTIVATIONS[self.activation])

    def _preprocessing(self, own: Preprocessing) -> Preprocessing:
        mean, std = NORMALISATIONS.get(self.normalisation, (own.mean, own.std))
        return replace(
            own,
            mean=mean,
            std=std,
            resize=own.resize if self.resize == "weights" else self.resize,
            interpolation=(
                own.interpolation if self.interpolation == "weights" else self.interpolation
            ),
        )


AS_RELEASED = Setting()
