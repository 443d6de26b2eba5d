"""What turns image features into logits: text, a trained linear layer, the weights' own head.

Symbols: B images, K classes, E joint width (D for a backbone without a text tower), C classes of
the weights' own head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import Backbone, BackboneInfo

HeadKind = Literal["text", "linear", "mapped"]
HeadInit = Literal["normal", "small_normal", "kaiming"]


def head_refusal(kind: HeadKind, backbone: BackboneInfo) -> str | None:
    """Why `backbone` cannot have a head of this kind, or None."""
    if kind == "text" and "text" not in backbone.ways:
        return "head text needs a text tower, which it does not have"
    if kind == "mapped" and "head" not in backbone.ways:
        return "head mapped needs a classifier that came with the weights, which it does not have"
    return None


class TextHead(nn.Module):
    """exp(logit_scale) * cos(feature, text of each class), as CLIP classifies."""

    text: Tensor  # [K, E], unit rows

    def __init__(self, backbone: Backbone, classes: tuple[str, ...], template: str) -> None:
        super().__init__()
        self.scale = backbone.logit_scale
        self.register_buffer("text", backbone.classifier(classes, template), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        return self.scale * F.normalize(features, dim=-1) @ self.text.T


class LinearHead(nn.Module):
    """W z + b, trained with the rest.

    Inits: `normal`, cut at two standard deviations of 0.02 (SPT for supervised and MAE weights),
    `small_normal` the same with 0.01 (SPT for MoCo), both with bias 0; `kaiming` over fan-out with
    bias -ln 99 (VPT).
    """

    def __init__(self, width: int, classes: int, init: HeadInit, draw: torch.Generator) -> None:
        super().__init__()
        weight, bias = torch.empty(classes, width), torch.zeros(classes)
        if init == "kaiming":
            nn.init.kaiming_normal_(weight, mode="fan_out", generator=draw)
            bias.fill_(-math.log(99))
        else:
            std = 0.02 if init == "normal" else 0.01
            nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std, generator=draw)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        return F.linear(features, self.weight, self.bias)


class MappedHead(nn.Module):
    """The weights' own classifier, K of its outputs standing for the K classes (VP).

    Raises:
        ValueError: the head has no such output.
    """

    def __init__(self, backbone: Backbone, outputs: Sequence[int]) -> None:
        """`outputs`: the number of the output of each class."""
        super().__init__()
        if max(outputs) >= backbone.info.head_classes:
            raise ValueError(
                f"output {max(outputs)} for {len(outputs)} classes; the head of "
                f"'{backbone.info.name}' has {backbone.info.head_classes}"
            )
        self.backbone, self.outputs = backbone, list(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        return self.backbone.head_logits(features)[:, self.outputs]


def make_head(
    kind: HeadKind,
    *,
    backbone: Backbone,
    classes: tuple[str, ...],
    template: str,
    init: HeadInit,
    draw: torch.Generator,
    outputs: Sequence[int] = (),
) -> nn.Module:
    """The head of this kind; `init` and `draw` are read by a linear one alone.

    outputs: for each class the output that stands for it; none: the first K, in order. Output k of
        a text head is the text of class k; a linear one knows of none.

    Raises:
        ValueError: `outputs` are not one for each class, or not there.
    """
    chosen = outputs or range(len(classes))
    if len(chosen) != len(classes):
        raise ValueError(f"{len(chosen)} outputs for {len(classes)} classes")
    if kind == "text":
        if max(chosen) >= len(classes):
            raise ValueError(f"output {max(chosen)} of the texts of {len(classes)} classes")
        return TextHead(backbone, tuple(classes[number] for number in chosen), template)
    if kind == "mapped":
        return MappedHead(backbone, chosen)
    return LinearHead(backbone.info.embed_dim, len(classes), init, draw)
