"""A timm ViT as a frozen `Backbone` without a text tower.

The forward is `image_tower` over the library's own weights; a test compares with the library's.

Symbols: B images, D width, C classes of the weights' own head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from timm.layers.mlp import Mlp
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.block import BlockShape
from sweeper.backbones.image_tower import ImageTower, Pooling, Trace
from sweeper.backbones.prompts import Adapter, Prompts, as_prompts
from sweeper.backbones.shortcuts import ALL, Shortcuts


class VisionBackbone:
    """A frozen ViT. Not an `nn.Module`: a method that keeps it owns none of its weights."""

    logit_scale = 1.0  # it has no cosine classifier

    def __init__(
        self, model: VisionTransformer, info: BackboneInfo, shortcuts: Shortcuts = ALL
    ) -> None:
        """Freeze `model` in place.

        Raises:
            ValueError: with everything in which it is not a plain ViT with a CLS token.
        """
        odd = list(oddities(model))
        if odd:
            raise ValueError(f"'{info.name}' is not a plain ViT: {'; '.join(odd)}")
        self.info = info
        self._model: Any = model
        self._model.requires_grad_(False).eval()
        first: Any = self._model.blocks[0]
        shape = BlockShape(first.attn.num_heads, first.mlp.act, first.norm1.eps)
        weights = _tower_weights(model)
        self._image = ImageTower(weights, info.depth, shape, info.pooling, shortcuts)

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        return dict(self._model.named_parameters()) | dict(self._model.named_buffers())

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """The tower's weights by timm's names."""
        return self._image.weights

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; patches] + positions [B, 1 + N_e, D], as they are before the first block."""
        return self._image.embed(images)

    def encode_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> Tensor:
        """Features [B, D] of images [B, 3, H, W] behind the last norm, see `Backbone`.

        Raises:
            ValueError: more prompts than `info.max_prompts`, or a weight that does not fit.
        """
        found = as_prompts(prompts, most=self.info.max_prompts, backbone=self.info.name)
        return self._image.with_weights(weights).encode(images, found, adapter)

    def trace_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> tuple[Trace, Tensor]:
        """What stands before each block, and the features, see `Backbone.trace_image`."""
        found = as_prompts(prompts, most=self.info.max_prompts, backbone=self.info.name)
        return self._image.with_weights(weights).trace(images, found, adapter)

    def head_logits(self, features: Tensor) -> Tensor:
        """Logits [B, C] of features [B, D]. Raises ValueError where the weights have no head."""
        if not self.info.head_classes:
            raise ValueError(f"backbone '{self.info.name}' has no head of its own")
        head = self._model.head
        return F.linear(features, head.weight, head.bias)

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Raises ValueError: there is no text tower."""
        raise ValueError(f"backbone '{self.info.name}' has no text tower")

    def embed_text(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Raises ValueError: there is no text tower."""
        raise ValueError(f"backbone '{self.info.name}' has no text tower, for {len(texts)} texts")

    def encode_text(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Raises ValueError: there is no text tower."""
        raise ValueError(f"backbone '{self.info.name}' has no text tower")


def _tower_weights(model: nn.Module) -> dict[str, Tensor]:
    beside = ("head.", "fc_norm.")
    return {n: value for n, value in model.named_parameters() if not n.startswith(beside)}


def oddities(model: Any) -> Iterator[str]:
    """What `image_tower` does not compute as `model` does; nothing for a plain ViT."""
    if not isinstance(model, VisionTransformer):
        yield f"a {type(model).__name__}"
        return
    if model.cls_token is None or model.num_prefix_tokens != 1:
        yield "not exactly one CLS token"
    if model.pos_embed is None or model.no_embed_class or model.dynamic_img_size:
        yield "positions that are not added to CLS and patches alike"
    if model.attn_pool is not None or not isinstance(model.norm, nn.LayerNorm):
        yield "no final layer norm, or attention pooling"
    blocks: Any = model.blocks
    for block in blocks:
        if type(block) is not Block or type(block.mlp) is not Mlp:
            yield f"blocks of type {type(block).__name__} with {type(block.mlp).__name__}"
            return
        attention: Any = block.attn
        if attention.qkv.bias is None or not isinstance(attention.q_norm, nn.Identity):
            yield "attention without biases, or with norms inside"
            return


def describe_model(
    model: Any,
    *,
    name: str,
    weights: str,
    description: str,
    preprocessing: Preprocessing,
    max_prompts: int,
    pooling: Pooling = "cls",
) -> BackboneInfo:
    """The description of a plain ViT, on whatever device (also `meta`) it stands."""
    head = getattr(model.head, "out_features", 0)
    ways = {"input_tokens", "block_tokens", "weights"} | ({"head"} if head else set())
    return BackboneInfo(
        name=name,
        weights=weights,
        description=description,
        width=model.embed_dim,
        depth=len(model.blocks),
        heads=model.blocks[0].attn.num_heads,
        patch=model.patch_embed.patch_size[0],
        patches=model.patch_embed.num_patches,
        embed_dim=model.embed_dim,
        max_prompts=max_prompts,
        parameters=sum(value.numel() for value in _tower_weights(model).values()),
        preprocessing=preprocessing,
        ways=frozenset(ways),
        pooling=pooling,
        head_classes=head,
    )
