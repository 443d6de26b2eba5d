"""Input-independent prompts (IIP): p learned input tokens, the same for every image.

Paper: the baseline of PGN (Tables 1, 3c and 4); VPT-shallow for CLIP with other details.
Equation: z = Phi([CLS; patches] + positions; P), logits = s * cos(z, text), s = exp(logit_scale);
    without a text tower the first K outputs of the weights' own head (`mapped`).
Shapes: P [p, D], appended to 1 + N_e tokens before the first norm; outputs flow on.
Trainable: p * D, and K * (E + 1) with the head `linear`

Deviations:
- None from PGN's code but that `official` picks the epoch by test accuracy and the code by test
  loss. The paper puts the prompts first and the code last, which leaves the
  output of CLS as it is, since positions are already added.
- CIFAR-100 is 73.5 in PGN Table 1 (16 prompts, 1000 epochs) and 72.1 in Table 3c (8, 500).
- VPT draws from U(-v, v) and trains a linear head; here the classifier is the text, as in PGN.
- On vision models (PGN Table 4) a frozen `mapped` head is the paper's setting. The code trains that
  head, all its 1000 rows; `linear` trains one of K rows that starts anew (N(0, 0.02^2), bias 0).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sweeper.method import (
    Backbone,
    BackboneInfo,
    HeadKind,
    Integers,
    MethodParams,
    Space,
    generator,
    head_refusal,
    make_head,
    param,
)


class Params(MethodParams):
    """How many prompts, and what reads the feature."""

    prompt_length: int = param(16, ge=1, le=4096, description="p; PGN Table 8 (8 in Table 3c)")
    head: HeadKind = param("text", description="mapped: PGN Table 4; linear: close to its code")


SPACE: Mapping[str, Space] = {"prompt_length": Integers(1, 64, log=True)}

_RECIPE: Mapping[str, object] = {
    "prompt_length": 16,
    "optimizer": "sgd",
    "lr": 0.1,
    "momentum": 0.9,
    "batch_size": 128,
    "epochs": 1000,
    "warmup_epochs": 50,
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_RECIPE, "schedule": "cosine"},
    "official": {
        **_RECIPE,
        "schedule": "pgn_official",
        "augmentation": "pgn_official",
        "train_on": "train+val",
        "selection": "best_test",
    },
}

REQUIRES = frozenset({"input_tokens"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if the prompts are longer than the backbone takes, or there is no such head."""
    if params.prompt_length > backbone.max_prompts:
        return f"prompt_length {params.prompt_length} is more than its {backbone.max_prompts}"
    return head_refusal(params.head, backbone)


class Method(nn.Module):
    """The prompts, and the head that they are trained against."""

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
        self.backbone = backbone
        shape = (params.prompt_length, backbone.info.width)
        draw = generator(seed, "iip", "prompts")
        self.prompts = nn.Parameter(0.02 * torch.randn(shape, generator=draw))
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init="normal",
            draw=generator(seed, "iip", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        logits: Tensor = self.head(self.backbone.encode_image(images, self.prompts))
        return logits
