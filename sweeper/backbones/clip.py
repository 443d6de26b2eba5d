"""An open_clip CLIP with two transformers as a frozen `Backbone`: prompts are an argument.

The forward is written here over the library's own weights: attention as two linear maps around
`scaled_dot_product_attention`, and in the last block of the image tower only the CLS query and
its MLP, because nothing else is read. Both are exact; a test compares with the library's forward.

Symbols: B images, K classes, T tokens of a text, D width, E joint width, p prompts,
N_e patch tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import tokenize
from open_clip.transformer import VisionTransformer
from torch import Tensor
from torch.nn import functional as F

from sweeper.backbones.backbone import BackboneInfo
from sweeper.errors import InputError, Problem


class ClipBackbone:
    """A frozen CLIP. Not an `nn.Module`: a method that keeps it owns none of its weights."""

    def __init__(self, model: CLIP, info: BackboneInfo) -> None:
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
        self._classifiers: dict[tuple[tuple[str, ...], str], Tensor] = {}

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        return dict(self._model.named_parameters()) | dict(self._model.named_buffers())

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; patches] + positions [B, 1 + N_e, D], as they are before the first norm."""
        visual = self._model.visual
        patches = visual.conv1(images).flatten(2).transpose(1, 2)
        cls = visual.class_embedding.expand(len(images), 1, -1)
        tokens: Tensor = torch.cat((cls, patches), dim=1) + visual.positional_embedding
        return tokens

    def encode_image(self, images: Tensor, prompts: Tensor | None = None) -> Tensor:
        """Unnormalised features [B, E] of images [B, 3, H, W], see `Backbone.encode_image`.

        Raises:
            ValueError: more prompts than `info.max_prompts`.
        """
        visual = self._model.visual
        tokens = self.embed_image(images)
        if prompts is not None:
            if prompts.shape[-2] > self.info.max_prompts:
                raise ValueError(
                    f"{prompts.shape[-2]} prompts; '{self.info.name}' takes {self.info.max_prompts}"
                )
            tokens = torch.cat((tokens, prompts.expand(len(images), -1, -1)), dim=1)
        tokens = visual.ln_pre(tokens)
        *blocks, last = visual.transformer.resblocks
        for block in blocks:
            tokens = _run_block(block, tokens, read=tokens.shape[1])
        cls = _run_block(last, tokens, read=1)[:, 0]
        features: Tensor = visual.ln_post(cls) @ visual.proj
        return features

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E], computed once for each (classes, template).

        Names are lower-cased and their underscores become spaces, as in PGN's public code.

        Raises:
            InputError: a text has more tokens than the tower has positions.
        """
        key = (tuple(classes), template)
        if key not in self._classifiers:
            texts = [template.format(name.lower().replace("_", " ")) for name in classes]
            with torch.no_grad():
                features = self._encode_text(self._tokens(texts))
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

    def _encode_text(self, tokens: Tensor) -> Tensor:
        """Unnormalised features [K, E] of token ids [K, T]; a causal tower needs no padding."""
        model = self._model
        end = tokens.argmax(dim=-1)  # the end-of-text token has the highest id
        length = int(end.max()) + 1
        tokens, end = (x.to(model.positional_embedding.device) for x in (tokens[:, :length], end))
        states = model.token_embedding(tokens) + model.positional_embedding[:length]
        for block in model.transformer.resblocks:
            states = _run_block(block, states, read=length, causal=True)
        last = states[torch.arange(len(states), device=states.device), end]
        features: Tensor = model.ln_final(last) @ model.text_projection
        return features


def _run_block(block: Any, tokens: Tensor, *, read: int, causal: bool = False) -> Tensor:
    """The first `read` outputs [B, read, D] of a residual block on tokens [B, T, D]."""
    attended = _attend(block.attn, block.ln_1(tokens), read=read, causal=causal)
    tokens = tokens[:, :read] + attended
    outputs: Tensor = tokens + block.mlp(block.ln_2(tokens))
    return outputs


def _attend(attention: Any, tokens: Tensor, *, read: int, causal: bool) -> Tensor:
    """Self-attention [B, read, D] of tokens [B, T, D], queried by the first `read` of them."""
    batch, length, width = tokens.shape
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    query = F.linear(tokens[:, :read], weight[:width], bias[:width])
    key_value = F.linear(tokens, weight[width:], bias[width:])
    heads = (attention.num_heads, width // attention.num_heads)
    query = query.view(batch, read, *heads).transpose(1, 2)
    key, value = key_value.view(batch, length, 2, *heads).permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    outputs: Tensor = attention.out_proj(mixed.transpose(1, 2).reshape(batch, read, width))
    return outputs
