"""The one interface to every frozen network, and the named ways in for prompts.

Symbols: B images, K classes, D vision width, E joint embedding width, L blocks, N_e patch tokens,
c tokens before them (CLS and registers, usually 1), p prompts, D_t and L_t width and blocks of the
text tower, T tokens of a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from sweeper.backbones.image_tower import Pooling, Trace
from sweeper.backbones.prompts import Adapter, Prompts
from sweeper.backbones.setting import AS_RELEASED, Setting


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
    """What is known of a backbone before its weights are loaded.

    A network taken whole has neither blocks nor patches that matter: those numbers are 0 there.
    """

    name: str
    weights: str  # digest of the shipped or the user's file, or the pretrained tag
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
    prefix: int = 1  # c, tokens before the patches: CLS and registers
    pooling: Pooling = "cls"  # what the image feature is read from
    head_classes: int = 0  # C, outputs of the classifier that came with the weights
    text_width: int = 0  # D_t
    text_depth: int = 0  # L_t
    text_context: int = 0  # tokens of a text, with start and end
    activation: str = ""  # of the MLPs: gelu, quick_gelu; empty where there are none of ours
    setting: Setting = AS_RELEASED  # in which all of this holds
    note: str = ""  # what was assumed, for the user to know; empty: nothing
    licence: str = ""  # of the weights, as the library states it; empty where it does not


WAYS: dict[str, str] = {
    "input_tokens": "p tokens [p, D] or [B, p, D] beside the patches, before the first block",
    "block_tokens": "tokens, keys, values, gates and temperatures of each block: `Prompts`",
    "weights": "weights and adapters inside the blocks of the image tower",
    "text": "a text tower that turns class names into a classifier",
    "text_tokens": "token embeddings at the input and in each block of the text tower",
    "head": "the classifier that came with the weights, over classes of its own",
}


class Backbone(Protocol):
    """A frozen network. Nothing in it ever requires a gradient or changes.

    It is not an `nn.Module`, so a module that keeps it as an attribute owns none of its weights.
    """

    info: BackboneInfo

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        ...

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """The image tower's weights by timm's names, see `sweeper.backbones.image_tower`."""
        ...

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; registers; patches] + positions [B, c + N_e, D], as they are before the first
        norm.
        """
        ...

    def encode_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> Tensor:
        """Unnormalised image features [B, E] of normalised images [B, 3, H, W].

        `prompts` [p, D] (shared) or [B, p, D] (one set an image) are appended after
        [CLS; patches] + positions and before the first norm; their outputs flow on. All other
        ways in are fields of `Prompts`. `weights` stand in the place of the tower's own of those
        names, so that what is computed from trainable tensors trains; `adapter(block, outputs)`
        changes the output of each block's MLP before it is added to the tokens.
        """
        ...

    def enter(self, images: Tensor, block: int) -> Tensor:
        """The tokens [B, c + N_e, D] that enter `block` (0: the first, behind the first norm)
        without prompts: features of the image alone.
        """
        ...

    def encode_from(self, tokens: Tensor, prompts: Prompts) -> Tensor:
        """Image features [B, E] of `enter(images, prompts.first_block)`, as `encode_image` gives
        them of the images.
        """
        ...

    def trace_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> tuple[Trace, Tensor]:
        """The tokens before each block and CLS's attention, and the features, without shortcuts."""
        ...

    def head_logits(self, features: Tensor) -> Tensor:
        """Logits [B, C] of features [B, E] by the classifier that came with the weights."""
        ...

    def embed_text(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token embeddings [K, T, D_t] of texts, without positions, and the place [K] of their
        end token. Place 0 is the start token.
        """
        ...

    def encode_text(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Unnormalised text features [K, E] of token embeddings [K, T, D_t].

        `deeper` [L_t - 1, M, D_t] or [L_t - 1, K, M, D_t] replaces the M tokens from place
        `first` on before the blocks after the first one.
        """
        ...

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E] of the class names written into `template` ('{}')."""
        ...

    @property
    def logit_scale(self) -> float:
        """exp(logit_scale) of the released weights; multiplies the cosine."""
        ...
