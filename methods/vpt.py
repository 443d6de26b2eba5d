"""Visual prompt tuning (VPT): learned tokens after CLS, at the input or anew in every block.

Paper: "Visual Prompt Tuning", Eq. 4 to 6 (deep) and 4, 7 (shallow); Sec. 4.1 for the recipe. On
    CLIP: MaPLe's repository and the comparisons of "Unified Vision and Language Prompt Learning".
Equation: shallow: z = Phi([CLS; P; patches]); deep: block i reads [CLS; P_i; patches] and the
    outputs of P_i are dropped. logits = head(z). With `first_block` f the same from block f on, and
    what enters block f is that of the image alone (the ablation of prompt depth).
Shapes: P [1, p, D] or [L - f, p, D] of deep; with `project` r > 0, P [., p, r] W^T + b, W [D, r].
Trainable: (L - f) * p * D + head (p * D + head of shallow); head: K * (E + 1) of linear, else 0.
    With `project` r, r in the place of that D, and D * (r + 1) more.

Deviations:
- Dropout acts on the prompts as the code has it, with a mask for each image and block. The paper
  does not name it; its runs have 0.1 for deep and none for shallow, the code's default is 0.
- Prompt lengths (1 to 200), learning rates and weight decays of the paper are picked for each task
  on validation, so that presets leave them out. The 100 of shallow is what its counts imply.
- On FGVC the code crops and flips (`augmentation: vpt`), on VTAB-1k it does not, and neither do
  the presets.
- With MAE weights the code pools with a final norm of its own making that it never trains; here
  it is the norm of the weights.
- `first_block` is of the ablation alone, deep prompts in blocks i to L. Shallow ones that enter
  late, and the tokens before them kept from step to step, are our own; `normed` is moot with it.
- Not offered: prompts in the first n blocks only, shared over blocks, added to patches or to
  pixels, or started from CLS embeddings.
- The ports to CLIP put prompts after the patches (MaPLe) or after CLS (UPT): CLS reads the same.
  UPT's deep ones enter behind the first norm (`normed`), MaPLe's first ones before it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    HeadInit,
    HeadKind,
    MethodParams,
    Prompts,
    Space,
    generator,
    head_refusal,
    keyed,
    make_head,
    param,
)


class Params(MethodParams):
    """Depth, length and start of the prompts, and the head."""

    depth: Literal["shallow", "deep"] = param("deep", description="Fig. 2; deep is the better one")
    prompt_length: int = param(5, ge=1, le=4096, description="p of each block; the code's default")
    dropout: float = param(0.0, ge=0, lt=1, description="of prompts; the code's default")
    init: Literal["uniform", "normal"] = param(
        "uniform",
        description="uniform: bound sqrt(6 / (3 patch^2 + D)) (code); normal: N(0, 0.02^2) (CLIP)",
    )
    head: HeadKind = param("linear", description="linear: VPT; text: on CLIP; mapped: VP's")
    head_init: HeadInit = param("kaiming", description="of linear; kaiming: VPT's code")
    normed: bool = param(False, description="enter behind CLIP's first norm; UPT's VPT-deep does")
    project: int = param(
        0, ge=0, le=1024, description="width of the prompts before a linear layer; 0: none (code)"
    )
    first_block: int = param(
        0,
        ge=0,
        le=255,
        description="f, where prompts enter; 0: VPT; its ablation of depth has others",
        exclude_if=operator.not_,  # came later: ids of trials without it stay what they are
    )


SPACE: Mapping[str, Space] = {
    "depth": Choice(("shallow", "deep")),
    "prompt_length": Choice((1, 5, 10, 50, 100, 200)),
    "dropout": Choice((0.0, 0.1)),
    "init": Choice(("uniform", "normal")),
}

_DEEP: Mapping[str, object] = {
    "depth": "deep",
    "dropout": 0.1,
    "optimizer": "sgd",
    "momentum": 0.9,
    "epochs": 100,
    "warmup_epochs": 10,
}
# Batches are of 64 for long prompts and 128 for the rest; so the preset of length 100 has one.
_SHALLOW = {**_DEEP, "depth": "shallow", "prompt_length": 100, "dropout": 0.0, "batch_size": 64}
_CLIP: Mapping[str, object] = {
    "depth": "deep",
    "init": "normal",
    "head": "text",
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "schedule": "coop_official",
    "augmentation": "coop",  # both ports train in CoOp's framework
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_DEEP, "schedule": "cosine"},
    "official": {**_DEEP, "schedule": "vpt_official"},
    "paper_shallow": {**_SHALLOW, "schedule": "cosine"},
    "official_shallow": {**_SHALLOW, "schedule": "vpt_official"},
    "maple": {**_CLIP, "prompt_length": 8, "lr": 0.0025, "batch_size": 4, "epochs": 5},
    "upt": {
        **_CLIP,
        "prompt_length": 4,
        "normed": True,
        "lr": 0.002,
        "batch_size": 32,
        "epochs": 200,
    },
}

REQUIRES = frozenset({"input_tokens", "block_tokens"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if there are more prompts than the backbone takes, or no block for them, or it
    cannot have the head.
    """
    if params.prompt_length > backbone.max_prompts:
        return f"prompt_length {params.prompt_length} is more than its {backbone.max_prompts}"
    if params.first_block >= backbone.depth:
        return f"first_block {params.first_block} is not one of its {backbone.depth}, from 0 on"
    return head_refusal(params.head, backbone)


class Method(nn.Module):
    """One set of prompts, or one for each block, and a head."""

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
        self.reads_block = params.first_block
        info, width = backbone.info, params.project or backbone.info.width
        sets = info.depth - params.first_block if params.depth == "deep" else 1
        shape, draw = (sets, params.prompt_length, width), generator(seed, "vpt", params.init)
        if params.init == "uniform":
            bound = math.sqrt(6 / (3 * info.patch**2 + width))
            prompts = bound * (2 * torch.rand(shape, generator=draw) - 1)
        else:
            prompts = 0.02 * torch.randn(shape, generator=draw)
        self.prompts = nn.Parameter(prompts)
        self.projection: nn.Linear | None = None
        if params.project:
            with keyed(seed, "vpt", "projection"):
                self.projection = nn.Linear(width, info.width)
                nn.init.kaiming_normal_(self.projection.weight, mode="fan_out")
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "vpt", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        logits: Tensor = self.head(self.backbone.encode_image(images, self._entering(len(images))))
        return logits

    def classify(self, tokens: Tensor) -> Tensor:
        """Logits [B, K] of the tokens [B, c + N_e, D] that enter the first block with prompts."""
        logits: Tensor = self.head(self.backbone.encode_from(tokens, self._entering(len(tokens))))
        return logits

    def _entering(self, images: int) -> Prompts:
        prompts = self.prompts if self.projection is None else self.projection(self.prompts)
        if self.training and self.params.dropout > 0:
            # [sets, B, p, D], a mask for each image; without it they share their prompts
            prompts = prompts[:, None].expand(-1, images, -1, -1)
            prompts = F.dropout(prompts, self.params.dropout)
        return Prompts(
            prompts[0],
            place="after_cls",
            normed=self.params.normed,
            deeper=prompts[1:] if self.params.depth == "deep" else None,
            first_block=self.reads_block,
        )
