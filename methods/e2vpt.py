"""E2VPT: prompts in every block, prompts among keys and values, and pruning with rewinding.

Paper: "E^2VPT: An Effective and Efficient Approach for Visual Prompt Tuning" (ICCV 2023), as its
    public code has it; a baseline in Table 3 of "Revisiting the Power of Prompt for Visual Tuning".
Equation: block i reads [CLS; P_i o m; patches], its attention [K_i; K] and [V_i; V];
    m_jd = t_j s_j,seg(d); logits = W z + b. After the first round the t and, within each token,
    the s with the least dLoss/dt and dLoss/ds become 0; all else starts anew and is trained again.
Shapes: P [L, p, D], K_i and V_i [h, r, D / h], t [p], s [p, 16], W [K, E], b [K].
Trainable: L * p * D + L * r * D + K * (E + 1), with 2 r for r where keys and values differ.
    What is pruned is a parameter still: L * D / 16 * sum(t s) of the L * p * D are read.

Deviations:
- t and s are 1 or 0 and never trained. In the code they are parameters of the first round and are
  trained with the rest (p + 16 p more), starting at 1; in the second they are fixed, as here.
- The code takes optimiser steps while it measures importance; here nothing moves meanwhile.
  Importance is a mean over images instead of over batches, so that it knows no batch size.
- `absolute` is not in the code, which lets the gradient of one image cancel that of another.
- The code can drop out key-value prompts too and by default does not: that is not offered.
- The code's 16 segments are every 16th value (`strided`), not 16 stretches of the width.
- The code prunes tokens and segments by each pair of nine shares and picks on validation; here
  they are parameters. As there, a pruned token remains as zeros, 1 token and 4 segments are kept.
- The code starts the second round from a seed of its own, here from the values of the first.
- On FGVC the code crops and flips (`augmentation: vpt`), on VTAB-1k it does not, and neither do
  the presets.
- Lengths, shares, learning rates and weight decays are picked for each task: no preset has them.
  The printed 0.56M and 0.31M parameters are means over such lengths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    Examples,
    Integers,
    LinearHead,
    MethodParams,
    Prompts,
    Space,
    Uniform,
    generator,
    param,
)

SEGMENTS = 16  # of a token, CLS_TOKEN_P_PIECES_NUM of the code
KEPT_TOKENS, KEPT_SEGMENTS = 1, 4  # at least, MIN_NUMBER_CLS_TOKEN(_PIECE) of the code
IMAGES = 32  # at a time, when importance is measured; the outcome does not depend on it


class Params(MethodParams):
    """Two kinds of prompts, and what is kept of one of them."""

    prompt_length: int = param(5, ge=1, le=4096, description="p of each block; the code's default")
    kv_length: int = param(
        5, ge=0, le=4096, description="r of each block; 0: none; the code's default"
    )
    shared_kv: bool = param(True, description="one tensor for keys and values; the code's default")
    kv_init: Literal["kaiming", "uniform", "normal"] = param(
        "kaiming",
        description="kaiming: bound sqrt(6 / (r D / h)), the code's default; "
        "uniform: bound sqrt(6 / (3 patch^2 + 16)); normal: N(0, 0.02^2); of keys and values",
    )
    dropout: float = param(0.0, ge=0, lt=1, description="of input prompts; the code's default")
    keep_tokens: float = param(0.5, ge=0, le=1, description="share; the code tries 0.1 to 0.9")
    keep_segments: float = param(0.5, ge=0, le=1, description="share; the code tries 0.1 to 0.9")
    importance: Literal["signed", "absolute"] = param(
        "signed", description="mean gradient of the mask (code), or mean of its size"
    )
    segments: Literal["contiguous", "strided"] = param(
        "contiguous", description="of D / 16 values side by side, or each 16th one (code)"
    )


SPACE: Mapping[str, Space] = {
    "prompt_length": Integers(5, 100, log=True),
    "kv_length": Integers(1, 10),
    "kv_init": Choice(("kaiming", "uniform", "normal")),
    "keep_tokens": Uniform(0.1, 1.0),
    "keep_segments": Uniform(0.1, 1.0),
}

_VPT: Mapping[str, object] = {
    "dropout": 0.1,
    "optimizer": "sgd",
    "momentum": 0.9,
    "batch_size": 64,  # of VTAB-1k
    "epochs": 100,
    "warmup_epochs": 10,
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_VPT, "segments": "contiguous", "schedule": "cosine"},
    "official": {**_VPT, "segments": "strided", "schedule": "vpt_official"},
}

REQUIRES = frozenset({"input_tokens", "block_tokens"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if a block reads more prompts than it can, or segments do not divide its width."""
    p, r, most = params.prompt_length, params.kv_length, backbone.max_prompts
    if p + r > most:
        return f"prompt_length {p} and kv_length {r} are {p + r}, more than its {most}"
    if backbone.width % SEGMENTS:
        return f"its width {backbone.width} has no {SEGMENTS} equal segments"
    return None


class Method(nn.Module):
    """Prompts, key-value prompts, the masks of the former, and a linear head."""

    token_mask: Tensor  # [p]
    segment_mask: Tensor  # [p, 16]

    def __init__(
        self,
        *,
        backbone: Backbone,
        classes: tuple[str, ...],
        template: str,
        params: Params,
        seed: int,
    ) -> None:
        super().__init__()
        self.backbone, self.params, info = backbone, params, backbone.info
        self.rounds = 2 if min(params.keep_tokens, params.keep_segments) < 1 else 1
        draw = partial(generator, seed, "e2vpt")
        self._start = partial(
            Method, backbone=backbone, classes=classes, template=template, params=params, seed=seed
        )
        bound = math.sqrt(6 / (3 * info.patch**2 + info.width))
        shape = (info.depth, params.prompt_length, info.width)
        prompts = bound * (2 * torch.rand(shape, generator=draw("prompts")) - 1)
        self.prompts = nn.Parameter(prompts)
        self.key_values: nn.Parameter | None = None  # [1 or 2, L, h, r, D / h]
        if params.kv_length:
            self.key_values = nn.Parameter(_key_values(params, info, draw("kv", params.kv_init)))
        self.head = LinearHead(info.embed_dim, len(classes), "kaiming", draw("head"))
        self.register_buffer("token_mask", torch.ones(params.prompt_length))
        self.register_buffer("segment_mask", torch.ones(params.prompt_length, SEGMENTS))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        return self._logits(images, self.token_mask, self.segment_mask)

    def next_round(self, own: Examples) -> None:
        """Prune what matters least to the images of `own`, and put the rest back to its start."""
        training = self.training
        self.eval()
        tokens, segments = self._importance(own)
        self.train(training)
        with torch.no_grad():
            _prune(self.token_mask, tokens, self.params.keep_tokens, KEPT_TOKENS)
            _prune(self.segment_mask, segments, self.params.keep_segments, KEPT_SEGMENTS)
            for mine, initial in zip(self.parameters(), self._start().parameters(), strict=True):
                mine.copy_(initial)

    def _logits(self, images: Tensor, tokens: Tensor, segments: Tensor) -> Tensor:
        """Logits [B, K] under masks [p] and [p, 16], or [B, p] and [B, p, 16]."""
        each = self.backbone.info.width // SEGMENTS
        if self.params.segments == "contiguous":
            mask = segments.repeat_interleave(each, dim=-1)
        else:
            mask = torch.cat([segments] * each, dim=-1)
        # [L, 1, p, D], and [L, B, p, D] only where the prompts differ by image
        drops = self.training and self.params.dropout > 0
        prompts = self.prompts[:, None].expand(-1, len(images) if drops else 1, -1, -1)
        prompts = F.dropout(prompts, self.params.dropout, drops) * mask * tokens[..., None]
        entering = Prompts(
            prompts[0],
            place="after_cls",
            deeper=prompts[1:],
            keys=None if self.key_values is None else self.key_values[0],
            values=None if self.key_values is None else self.key_values[-1],
        )
        logits: Tensor = self.head(self.backbone.encode_image(images, entering))
        return logits

    def _importance(self, own: Examples) -> tuple[Tensor, Tensor]:
        """Gradients of the loss by the masks [p] and [p, 16], summed over all images."""
        masks = (self.token_mask, self.segment_mask)
        totals = (torch.zeros_like(masks[0]), torch.zeros_like(masks[1]))
        for index in torch.split(torch.arange(len(own)), IMAGES):
            images, labels = own.read(index), own.labels[index]
            copies = [torch.stack([mask] * len(index)).requires_grad_() for mask in masks]
            logits = self._logits(images, copies[0], copies[1]).float()
            loss = F.cross_entropy(logits, labels.to(logits.device), reduction="sum")
            for total, found in zip(totals, torch.autograd.grad(loss, copies), strict=True):
                total += (found if self.params.importance == "signed" else found.abs()).sum(0)
        return totals


def _key_values(params: Params, info: BackboneInfo, draw: torch.Generator) -> Tensor:
    """Key-value prompts [1 or 2, L, h, r, D / h] as they start."""
    length, each = params.kv_length, info.width // info.heads
    shape = (1 if params.shared_kv else 2, info.depth, info.heads, length, each)
    if params.kv_init == "normal":
        return 0.02 * torch.randn(shape, generator=draw)
    fan = length * each if params.kv_init == "kaiming" else 3 * info.patch**2 + 16
    return math.sqrt(6 / fan) * (2 * torch.rand(shape, generator=draw) - 1)


def _prune(mask: Tensor, importance: Tensor, keep: float, least: int) -> None:
    """Set the least important entries of the last axis of `mask` to 0."""
    count = mask.shape[-1]
    gone = min(int(count * (1 - keep) + 1e-9), count - least)
    mask.scatter_(-1, importance.argsort(dim=-1, stable=True)[..., :gone], 0)
