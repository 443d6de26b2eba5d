"""Gated prompt tuning (GateVPT): VPT-shallow whose prompts are mixed by a learned gate per block.

Paper: "Improving Visual Prompt Tuning for Self-supervised Vision Transformers" (ICML 2023), as its
    public code has it; it is a baseline in "Revisiting the Power of Prompt for Visual Tuning".
Equation: P <- g_i P_out + (1 - g_i) P_in after block i of the first L - 1, g_i = sigmoid(a_i);
    attention of block i: softmax(Q K^T / (T_i sqrt(D / h))) V. logits = W z + b.
Shapes: P [p, D], a [L - 1], T [L], W [K, E], b [K].
Trainable: p * D + (L - 1) + L + K * (E + 1), without the L where `temperature` is frozen

Deviations:
- The public code makes the temperatures parameters and then freezes whatever is named neither
  prompt nor gate: they stay at 1, although it is run with `TEMP_LEARN True`. `frozen` is that,
  `learned` is the paper's attention shaping.
- Temperatures are put back into [0.01, 10] before each forward pass, as in the code, so that the
  gradient does not vanish outside. The code counts 11 gates and 12 temperatures, for L = 12.
- The code starts the gates at -10 (a gate of 4.5e-5), its example at -5 (0.0067).
- On FGVC the code crops and flips (`augmentation: vpt`), on VTAB-1k it does not, and neither do
  the presets.
- On CLIP the prompts pass the first norm with the patches; the code's backbones have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    Integers,
    LinearHead,
    MethodParams,
    Prompts,
    Space,
    Uniform,
    generator,
    param,
)

COLDEST, HOTTEST = 0.01, 10.0  # bounds of a temperature, of the code


class Params(MethodParams):
    """Length of the prompts, and how closed the gates start."""

    prompt_length: int = param(100, ge=1, le=4096, description="p; the code's example")
    gate_init: float = param(
        10.0, ge=-20, le=20, description="gates start at sigmoid(-gate_init); the code's default"
    )
    temperature: Literal["learned", "frozen"] = param(
        "learned", description="learned: paper; frozen at 1: public code"
    )
    dropout: float = param(0.1, ge=0, lt=1, description="of prompts; the code's run script")


SPACE: Mapping[str, Space] = {
    "prompt_length": Integers(1, 200, log=True),
    "gate_init": Uniform(0.0, 10.0),
    "temperature": Choice(("learned", "frozen")),
    "dropout": Choice((0.0, 0.1)),
}

_EXAMPLE: Mapping[str, object] = {  # CUB with MAE weights
    "prompt_length": 100,
    "gate_init": 5.0,
    "dropout": 0.1,
    "optimizer": "sgd",
    "lr": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch_size": 64,
    "epochs": 100,
    "warmup_epochs": 10,
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_EXAMPLE, "temperature": "learned", "schedule": "cosine"},
    "official": {**_EXAMPLE, "temperature": "frozen", "schedule": "vpt_official"},
}

REQUIRES = frozenset({"input_tokens", "block_tokens"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if the prompts are longer than the backbone takes, or there is nothing to gate."""
    if params.prompt_length > backbone.max_prompts:
        return f"prompt_length {params.prompt_length} is more than its {backbone.max_prompts}"
    if backbone.depth < 2:
        return f"gates stand between blocks, and it has {backbone.depth}"
    return None


class Method(nn.Module):
    """Prompts, gates, temperatures and a linear head."""

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
        self.backbone, self.params = backbone, params
        info = backbone.info
        bound = math.sqrt(6 / (3 * info.patch**2 + info.width))
        shape, draw = (params.prompt_length, info.width), generator(seed, "gatevpt", "prompts")
        self.prompts = nn.Parameter(bound * (2 * torch.rand(shape, generator=draw) - 1))
        self.gate_logits = nn.Parameter(torch.full((info.depth - 1,), -params.gate_init))
        learned = params.temperature == "learned"
        self.temperatures = nn.Parameter(torch.ones(info.depth)) if learned else None
        draw = generator(seed, "gatevpt", "head")
        self.head = LinearHead(info.embed_dim, len(classes), "kaiming", draw)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        prompts: Tensor = self.prompts
        if self.training and self.params.dropout > 0:
            # [B, p, D]: a mask for each image, as in the code
            prompts = F.dropout(prompts.expand(len(images), -1, -1), self.params.dropout)
        if self.temperatures is not None:
            # not a step that autograd sees: a backward pass may still follow an earlier forward
            self.temperatures.data.clamp_(COLDEST, HOTTEST)
        entering = Prompts(
            prompts,
            place="after_cls",
            gates=self.gate_logits.sigmoid(),
            temperature=self.temperatures,
        )
        logits: Tensor = self.head(self.backbone.encode_image(images, entering))
        return logits
