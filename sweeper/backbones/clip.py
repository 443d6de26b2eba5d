"""An open_clip CLIP with two transformers as a frozen `Backbone`: prompts are an argument.

The forward is `image_tower` and `text_tower` over the library's own weights; a test compares with
the library's forward.

Symbols: B images, K classes, T tokens of a text, D width, E joint width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import tokenize
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.block import BlockShape
from sweeper.backbones.image_tower import ImageTower, Trace
from sweeper.backbones.prompts import Adapter, Prompts, as_prompts
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.text_tower import TextTower
from sweeper.errors import InputError, Problem

# open_clip's name of a part of a block -> timm's
BLOCK_PARTS = {
    "ln_1": "norm1",
    "attn.in_proj_": "attn.qkv.",
    "attn.out_proj": "attn.proj",
    "ln_2": "norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


class ClipBackbone:
    """A frozen CLIP. Not an `nn.Module`: a method that keeps it owns none of its weights."""

    def __init__(self, model: CLIP, info: BackboneInfo, shortcuts: Shortcuts = ALL) -> None:
        """Freeze `model` in place.

        Raises:
            ValueError: a tower is not the plain CLS-pooled or causal transformer of CLIP.
        """
        visual = model.visual
        if not (isinstance(visual, VisionTransformer) and visual.pool_type == "tok"):
            raise ValueError(f"image tower must be a CLS-pooled transformer, got {type(visual)}")
        if model.text_pool_type != "argmax" or model.attn_mask is None:
            raise ValueError(f"text tower must be causal, read at its end: {model.text_pool_type}")
        self.info = info
        self.logit_scale: float = model.logit_scale.exp().item()
        self._model = model.requires_grad_(False).eval()
        self._shortcuts = shortcuts
        self._image = replace(image_tower(visual), shortcuts=shortcuts)
        self._text = replace(text_tower(model), shortcuts=shortcuts)
        self._classifiers: dict[tuple[tuple[str, ...], str], Tensor] = {}

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        return dict(self._model.named_parameters()) | dict(self._model.named_buffers())

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """The image tower's weights by timm's names."""
        return self._image.weights

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; patches] + positions [B, 1 + N_e, D], as they are before the first norm."""
        return self._image.embed(images)

    def encode_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> Tensor:
        """Unnormalised features [B, E] of images [B, 3, H, W], see `Backbone.encode_image`.

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

    def head_logits(self, features: Tensor) -> Tensor:  # noqa: ARG002
        """Raises ValueError: CLIP has no classifier but its text."""
        raise ValueError(f"backbone '{self.info.name}' has no head of its own")

    def embed_text(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Embeddings [K, T, D_t] of texts and the place [K] of their end.

        Raises:
            InputError: a text has more tokens than the tower has positions.
        """
        return self._text.embed(self._tokens(list(texts)))

    def encode_text(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Unnormalised features [K, E] of embeddings [K, T, D_t], see `Backbone.encode_text`."""
        return self._text.encode(embeddings, end, deeper, first)

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E], computed once for each (classes, template).

        Names are lower-cased and their underscores become spaces, as in PGN's public code.

        Raises:
            InputError: a text has more tokens than the tower has positions.
        """
        key = (tuple(classes), template)
        if key not in self._classifiers or not self._shortcuts.kept:
            texts = [template.format(name.lower().replace("_", " ")) for name in classes]
            with torch.no_grad():
                features = self.encode_text(*self.embed_text(texts))
            self._classifiers[key] = F.normalize(features, dim=-1)
        return self._classifiers[key]

    def _tokens(self, texts: list[str]) -> Tensor:
        """Token ids [K, T] of whole texts; the library would cut long ones without a word."""
        limit: int = self._model.context_length
        tokens: Tensor = tokenize(texts, context_length=limit + 1)
        too_long = [text for text, row in zip(texts, tokens, strict=True) if row[limit] != 0]
        if too_long:
            raise InputError(
                Problem(
                    f"class text '{text}'",
                    "it is too long",
                    f"at most {limit} tokens with start and end, for backbone '{self.info.name}'",
                    "Shorten the name.",
                )
                for text in too_long
            )
        return tokens[:, :limit]


def image_tower(visual: Any) -> ImageTower:
    """The image tower over open_clip's own weights, which train where those do."""
    weights = {
        "patch_embed.proj.weight": visual.conv1.weight,
        "cls_token": visual.class_embedding,
        "pos_embed": visual.positional_embedding,
        "proj": visual.proj,
        **_named("norm_pre", visual.ln_pre),
        **_named("norm", visual.ln_post),
        **_blocks(visual.transformer.resblocks),
    }
    blocks = visual.transformer.resblocks
    return ImageTower(weights, len(blocks), _shape(blocks[0]), "cls")


def text_tower(model: CLIP) -> TextTower:
    """The text tower over open_clip's own weights, which train where those do."""
    weights = {
        "token_embedding": model.token_embedding.weight,
        "pos_embed": model.positional_embedding,
        "proj": model.text_projection,
        **_named("norm", model.ln_final),
        **_blocks(model.transformer.resblocks),
    }
    blocks = model.transformer.resblocks
    return TextTower(weights, len(blocks), _shape(blocks[0]))


def _named(name: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{name}.{part}": value for part, value in module.named_parameters()}


def _blocks(blocks: nn.ModuleList) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for number, block in enumerate(blocks):
        for name, value in block.named_parameters():
            part = next(part for part in BLOCK_PARTS if name.startswith(part))
            found[f"blocks.{number}.{BLOCK_PARTS[part]}{name.removeprefix(part)}"] = value
    return found


def _shape(block: Any) -> BlockShape:
    return BlockShape(block.attn.num_heads, block.mlp.gelu, block.ln_1.eps)
