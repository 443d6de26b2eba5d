"""The one interface to every frozen network, and the named ways in for prompts.

Symbols: B images, K classes, D vision width, E joint embedding width, L blocks,
N_e patch tokens, p prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Preprocessing:
    """How the weights want their images; it comes from the weights' own tag."""

    size: int  # pixels, height and width
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["nearest", "bilinear", "bicubic"]
    resize: Literal["crop", "squash"]  # short side then centre crop, or both sides at once


@dataclass(frozen=True)
class BackboneInfo:
    """What is known of a backbone before its weights are loaded."""

    name: str
    weights: str  # digest of the shipped file, or the pretrained tag
    description: str
    width: int  # D
    depth: int  # L
    heads: int
    patch: int  # pixels
    patches: int  # N_e
    embed_dim: int  # E
    max_prompts: int  # the longest sequence of prompts that it takes
    parameters: int  # of the image tower; 0 when unknown before loading
    preprocessing: Preprocessing
    ways: frozenset[str]  # ways in for prompts and heads, see WAYS


WAYS: dict[str, str] = {
    "input_tokens": "p tokens [p, D] or [B, p, D] after the patches, before the first norm",
    "text": "a text tower that turns class names into a classifier",
}


class Backbone(Protocol):
    """A frozen network. Nothing in it ever requires a gradient or changes.

    It is not an `nn.Module`, so a module that keeps it as an attribute owns none of its weights.
    """

    info: BackboneInfo

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        ...

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; patches] + positions [B, 1 + N_e, D], as they are before the first norm."""
        ...

    def encode_image(self, images: Tensor, prompts: Tensor | None = None) -> Tensor:
        """Unnormalised image features [B, E] of normalised images [B, 3, H, W].

        `prompts` [p, D] (shared) or [B, p, D] (one set an image) are appended after
        [CLS; patches] + positions and before the first norm; their outputs flow on.
        """
        ...

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E] of the class names written into `template` ('{}')."""
        ...

    @property
    def logit_scale(self) -> float:
        """exp(logit_scale) of the released weights; multiplies the cosine."""
        ...
