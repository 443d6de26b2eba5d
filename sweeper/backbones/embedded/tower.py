"""The towers of an ``open_clip.model.CLIP`` as plain functions: the same numbers, faster.

Symbols: B images or texts, T tokens, D width. Both functions return features before
normalisation, as the model's own ``encode_image`` and ``encode_text`` do; a test compares them.
"""

import json
from pathlib import Path
from typing import Any

import torch
from open_clip.model import CLIP
from torch import Tensor, nn
from torch.nn import functional

HERE = Path(__file__).parent


def load_config() -> dict[str, Any]:
    """The shipped ``config.json``: embed_dim, vision_cfg, text_cfg and preprocess."""
    config: dict[str, Any] = json.loads((HERE / "config.json").read_text())
    return config


def build_model(config: dict[str, Any]) -> CLIP:
    """A freshly initialised ``CLIP`` of the given configuration."""
    return CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])


def _attention(attention: nn.MultiheadAttention, tokens: Tensor, causal: bool) -> Tensor:
    batch, length, width = tokens.shape
    heads = attention.num_heads
    joint = functional.linear(tokens, attention.in_proj_weight, attention.in_proj_bias)
    query, key, value = joint.view(batch, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
    flat = mixed.transpose(1, 2).reshape(batch, length, width)
    return attention.out_proj(flat)  # type: ignore[no-any-return]


def run_blocks(blocks: Any, tokens: Tensor, causal: bool = False) -> Tensor:
    """Tokens ``[B, T, D]`` through the residual blocks of a tower, a ``ModuleList``."""
    for block in blocks:
        tokens = tokens + _attention(block.attn, block.ln_1(tokens), causal)
        tokens = tokens + block.mlp(block.ln_2(tokens))
    return tokens


def embed_patches(model: CLIP, images: Tensor) -> Tensor:
    """CLS and patch tokens with positions added, before ``ln_pre``: ``[B, 1 + patches, D]``."""
    visual = model.visual
    patch = visual.patch_size[0]
    batch, channels, height, width = images.shape
    rows, columns = height // patch, width // patch
    pieces = images.view(batch, channels, rows, patch, columns, patch)
    flat = pieces.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1)
    tokens = functional.linear(flat, visual.conv1.weight.flatten(1))
    start = visual.class_embedding.expand(batch, 1, -1)
    return torch.cat((start, tokens), 1) + visual.positional_embedding  # type: ignore[no-any-return]


def encode_image(model: CLIP, images: Tensor) -> Tensor:
    """Features ``[B, embed_dim]`` of normalised images ``[B, 3, H, W]``."""
    visual = model.visual
    tokens = visual.ln_pre(embed_patches(model, images))
    tokens = run_blocks(visual.transformer.resblocks, tokens)
    return visual.ln_post(tokens[:, 0]) @ visual.proj  # type: ignore[no-any-return]


def encode_text(model: CLIP, table: Tensor, rows: Tensor, end: Tensor) -> Tensor:
    """Features ``[B, embed_dim]`` of texts given as rows ``[B, T]`` of an embedding table.

    ``end`` ``[B]`` is the place of the end-of-text token; T may be shorter than the context.
    """
    tokens = functional.embedding(rows, table) + model.positional_embedding[: rows.shape[1]]
    tokens = run_blocks(model.transformer.resblocks, tokens, causal=True)
    last = tokens[torch.arange(len(rows)), end]
    return model.ln_final(last) @ model.text_projection  # type: ignore[no-any-return]
