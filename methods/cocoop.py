"""Conditional context optimisation (CoCoOp): CoOp's context, shifted by each image.

Paper: "Conditional Prompt Learning for Vision-Language Models" (CVPR 2022), section 3.2 and
    Fig. 2; its ablations vary the initialisation and length of the context; UPT Table 1, row 2.
Equation: w_k(x) = Psi([SOS; V + pi(z); name_k; "."; EOS] + positions), z = Phi(x) / |Phi(x)|,
    logits = s * cos(z, w_k(x)); pi is E -> E // 16 -> ReLU -> D_t with biases.
Shapes: V [M, D_t], z [B, E], pi(z) [B, 1, D_t], w [B, K, E]: one text pass an image and class.
Trainable: M * D_t + h * (E + 1) + D_t * (h + 1) with h = E // 16 (35,360 at M = 4, E = D_t = 512)

Deviations:
- The public code takes the images of a batch one after the other; here texts of several images
  are one pass, which gives the same logits.
- The code holds all parameters in half precision; here they are float32.
- The paper names no weight decay; the code has 5e-4, on biases too, which a recipe's leaves out.
- E // 16 is 0 below a joint width of 16: then h = 1.
- The trial's `template` is not read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    MethodParams,
    Space,
    generator,
    keyed,
    param,
)

PHRASE = "a photo of a"  # four tokens
AROUND = 4  # tokens beside the context: start, a name of one token, full stop, end
REDUCTION = 16  # width of the image feature over the hidden width, CoCoOp section 3.2
TEXTS = 2048  # a pass of the text tower; bounds the memory where no gradient is kept


class Params(MethodParams):
    """The paper's ablations; defaults are those of its main results."""

    context_length: int = param(4, ge=1, le=1024, description="M; CoCoOp section 4")
    init: Literal["phrase", "normal"] = param(
        "phrase",
        description="phrase: token embeddings of 'a photo of a', M = 4; normal: N(0, 0.02^2); "
        "CoCoOp section 4",
    )


SPACE: Mapping[str, Space] = {"init": Choice(("phrase", "normal"))}

_PAPER: Mapping[str, object] = {
    "context_length": 4,
    "init": "phrase",
    "optimizer": "sgd",
    "lr": 0.002,
    "batch_size": 1,
    "epochs": 10,
    "schedule": "coop_official",
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": _PAPER,
    "official": {**_PAPER, "momentum": 0.9, "weight_decay": 5e-4, "augmentation": "coop"},
}

REQUIRES = frozenset({"text_tokens"})

FEATURES = "tower"


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if no class name fits behind the context, or the phrase does not fill it."""
    length, room = params.context_length, backbone.text_context - AROUND
    if length > room:
        return f"context_length {length} leaves no room for a class name, {room} would"
    if params.init == "phrase" and length != len(PHRASE.split()):
        return f"init phrase has {len(PHRASE.split())} tokens, context_length is {length}"
    return None


class Method(nn.Module):
    """Context and meta-net; the names of its tensors are those of the public code."""

    embeddings: Tensor  # [K, T, D_t], with placeholders where the context stands
    end: Tensor  # [K]

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
        self.backbone, self.length = backbone, params.context_length
        placeholders = " ".join("X" * self.length)
        texts = [f"{placeholders} {name.replace('_', ' ')}." for name in classes]
        embeddings, end = backbone.embed_text(texts)
        self.register_buffer("embeddings", embeddings, persistent=False)
        self.register_buffer("end", end, persistent=False)
        self.ctx = nn.Parameter(_context(params, backbone, seed))
        into, out = backbone.info.embed_dim, backbone.info.text_width
        hidden = max(1, into // REDUCTION)
        with keyed(seed, "cocoop", "meta net"):
            linear1, linear2 = nn.Linear(into, hidden), nn.Linear(hidden, out)
        layers = OrderedDict(linear1=linear1, relu=nn.ReLU(), linear2=linear2)
        self.meta_net = nn.Sequential(layers)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Image features [B, E] before normalisation."""
        return self.backbone.encode_image(images)

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        images = max(1, TEXTS // len(self.end))
        unit = F.normalize(features, dim=-1)
        return torch.cat([self._classify(part) for part in torch.split(unit, images)])

    def _classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of unit features [B, E], in one pass of B * K texts."""
        prompts = self.prompts(features)
        text = self.backbone.encode_text(prompts.flatten(0, 1), self.end.repeat(len(features)))
        text = F.normalize(text, dim=-1).view(*prompts.shape[:2], -1)
        return self.backbone.logit_scale * torch.einsum("bke,be->bk", text, features)

    def prompts(self, features: Tensor) -> Tensor:
        """Token embeddings [B, K, T, D_t] for unit features [B, E], without positions."""
        context = self.ctx + self.meta_net(features)[:, None]
        every = self.embeddings.expand(len(features), -1, -1, -1)
        context = context[:, None].expand(-1, every.shape[1], -1, -1)
        return torch.cat((every[:, :, :1], context, every[:, :, 1 + self.length :]), dim=2)


def _context(params: Params, backbone: Backbone, seed: int) -> Tensor:
    """The initial context [M, D_t]."""
    if params.init == "phrase":
        phrase = backbone.embed_text([PHRASE])[0][0, 1 : 1 + params.context_length]
        return phrase.float().cpu().clone()
    draw = generator(seed, "cocoop", "context")
    return 0.02 * torch.randn(params.context_length, backbone.info.text_width, generator=draw)
