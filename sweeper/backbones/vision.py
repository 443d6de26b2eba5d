"""A timm ViT as a frozen `Backbone` without a text tower.

The forward is `image_tower` over the library's own weights; a test compares with the library's.

Symbols: B images, D width, C classes of the weights' own head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from timm.layers.attention import Attention
from timm.layers.mlp import Mlp
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.block import BlockShape
from sweeper.backbones.image_tower import ImageTower, Pooling, Trace
from sweeper.backbones.prompts import Adapter, Prompts, as_prompts
from sweeper.backbones.shortcuts import ALL, Shortcuts

ACTIVATION_WORDS = {"GELU": "gelu", "QuickGELU": "quick_gelu"}  # of the libraries, by name


class VisionBackbone:
    """A frozen plain ViT. Not an `nn.Module`: a method that keeps it owns none of its weights."""

    logit_scale = 1.0  # it has no cosine classifier

    def __init__(
        self, model: VisionTransformer, info: BackboneInfo, shortcuts: Shortcuts = ALL
    ) -> None:
        """Freeze `model` in place.

        Raises:
            ValueError: with everything in which it is not a plain ViT.
        """
        odd = list(oddities(model))
        if odd:
            raise ValueError(f"'{info.name}' is not a plain ViT: {'; '.join(odd)}")
        self.info = info
        self._model: Any = model
        self._model.requires_grad_(False).eval()
        first: Any = self._model.blocks[0]
        shape = BlockShape(first.attn.num_heads, first.mlp.act, first.norm1.eps)
        first_norm = isinstance(self._model.norm, nn.LayerNorm)
        tower = ImageTower(
            _tower_weights(model),
            info.depth,
            shape,
            info.pooling,
            norm_first=first_norm and self._model.global_pool == "avg",
            shortcuts=shortcuts,
        )
        self._image = info.setting.tower(tower)

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        return dict(self._model.named_parameters()) | dict(self._model.named_buffers())

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """The tower's weights by timm's names."""
        return self._image.weights

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; registers; patches] + positions [B, c + N_e, D], before the first block."""
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

    def enter(self, images: Tensor, block: int) -> Tensor:
        """What enters `block` [B, c + N_e, D] without prompts, see `Backbone.enter`."""
        return self._image.enter(images, block)

    def encode_from(self, tokens: Tensor, prompts: Prompts) -> Tensor:
        """Features [B, D] of what enters `prompts.first_block`, see `Backbone.encode_from`.

        Raises:
            ValueError: more prompts than `info.max_prompts`.
        """
        found = as_prompts(prompts, most=self.info.max_prompts, backbone=self.info.name)
        return self._image.encode_from(tokens, found)

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
    """All but the head; the final norm has one name, before the pooling and behind it."""
    found = {n: value for n, value in model.named_parameters() if not n.startswith("head.")}
    return {n.replace("fc_norm.", "norm."): value for n, value in found.items()}


def oddities(model: Any) -> Iterator[str]:
    """What `image_tower` does not compute as `model` does; nothing for a plain ViT."""
    if type(model) is not VisionTransformer:
        yield f"a {type(model).__name__}"
        return
    patches = model.patch_embed
    if type(patches) is not PatchEmbed or not isinstance(patches.norm, nn.Identity):
        yield "patches that are not one convolution"
    if model.pos_embed is None:
        yield "no positions"
    if model.global_pool not in ("token", "avg") or model.pool_include_prefix:
        yield f"pooling '{model.global_pool}'"
    for block in model.blocks:
        if type(block) is not Block or type(block.mlp) is not Mlp:
            mlp = type(getattr(block, "mlp", None)).__name__
            yield f"blocks of type {type(block).__name__} with {mlp}"
            return
        attention: Any = block.attn
        if type(attention) is not Attention or attention.gate is not None:
            yield f"another attention, {type(attention).__name__}"
            return
        if attention.qkv.bias is None or attention.proj.bias is None:
            yield "attention without biases"
            return
        inside = (attention.q_norm, attention.norm, block.mlp.norm)
        if not all(isinstance(each, nn.Identity) for each in inside):
            yield "attention or MLP with norms inside"
            return
    norms: list[Any] = [model.norm_pre, model.norm, model.fc_norm, *(b.norm1 for b in model.blocks)]
    norms = [norm for norm in norms if not isinstance(norm, nn.Identity)]
    if not all(isinstance(norm, nn.LayerNorm) for norm in norms) or len({n.eps for n in norms}) > 1:
        yield "norms that are not all the same layer norm"


def describe_model(
    model: Any,
    *,
    name: str,
    weights: str,
    description: str,
    preprocessing: Preprocessing,
    max_prompts: int,
    pooling: Pooling | None = None,
    licence: str = "",
) -> BackboneInfo:
    """The description of a plain ViT, on whatever device (also `meta`) it stands.

    `pooling`: None is the model's own.
    """
    own: Pooling = "cls" if model.global_pool == "token" else "mean"
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
        prefix=model.num_prefix_tokens,
        pooling=pooling or own,
        head_classes=head,
        activation=ACTIVATION_WORDS.get(type(model.blocks[0].mlp.act).__name__, ""),
        licence=licence,
    )
