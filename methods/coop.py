"""Context optimisation (CoOp): learned context tokens in the place of a text template.

Paper: "Learning to Prompt for Vision-Language Models" (IJCV 2022), section 3.2; its ablations vary
    the length, the initialisation and the position of the context; UPT Tables 1 and 2, row 1.
Equation: w_k = Psi([SOS; V; name_k; "."; EOS] + positions), logits = s * cos(z, w_k). `middle` has
    the first M // 2 tokens of V before the name and the rest behind it, `front` all behind it; the
    full stop and EOS stay last.
Shapes: V [M, D_t], or [K, M, D_t] of class-specific contexts; z [B, E], w [K, E].
Trainable: M * D_t, K times as many with `class_specific`

Deviations:
- The public code holds the context itself in half precision; here parameters are float32.
- A class-specific context may start from the phrase, once for each class; the code then shares it.
- The paper names no weight decay; the code has 5e-4, the default of its framework.
- The paper trains 50, 100 or 200 epochs by the number of images a class; the presets have the 200
  of 8 and 16. The code's crops and flips are in `official`.
- UPT says nothing on epochs or decay and builds on this code: `upt` is `official` with M = 4.
- The trial's `template` is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import Backbone, BackboneInfo, Choice, MethodParams, Space, generator, param

PHRASE = "a photo of a"  # four tokens
AROUND = 4  # tokens beside the context: start, a name of one token, full stop, end

Position = Literal["end", "middle", "front"]


class Params(MethodParams):
    """The paper's ablations; defaults are those of its main results."""

    context_length: int = param(16, ge=1, le=1024, description="M; CoOp section 4.1")
    class_specific: bool = param(False, description="a context for each class; CoOp section 3.2")
    position: Position = param("end", description="of the class name; CoOp section 3.2")
    init: Literal["normal", "phrase"] = param(
        "normal",
        description="normal: N(0, 0.02^2); phrase: token embeddings of 'a photo of a', M = 4; CoOp",
    )


SPACE: Mapping[str, Space] = {
    "context_length": Choice((4, 8, 16)),
    "class_specific": Choice((False, True)),
    "position": Choice(("end", "middle", "front")),
}

_PAPER: Mapping[str, object] = {
    "context_length": 16,
    "optimizer": "sgd",
    "lr": 0.002,
    "batch_size": 32,
    "epochs": 200,
    "schedule": "coop_official",
}
_OFFICIAL: Mapping[str, object] = {
    **_PAPER,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "augmentation": "coop",
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": _PAPER,
    "official": _OFFICIAL,
    "upt": {**_OFFICIAL, "context_length": 4},
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
    """The context; images are encoded once, as nothing on their path trains."""

    embeddings: Tensor  # [K, T, D_t], with placeholders where the context stands
    end: Tensor  # [K]
    order: Tensor  # [K, T], from where in (SOS, context, name, ".", EOS) each token comes

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
        names = [name.replace("_", " ") for name in classes]
        placeholders = " ".join("X" * self.length)
        embeddings, end = backbone.embed_text([f"{placeholders} {name}." for name in names])
        # A full stop that becomes one token with the last of a name ("(bird).") is the name's.
        name_lengths = torch.minimum(backbone.embed_text(names)[1], end - self.length) - 1
        order = _order(params.position, self.length, name_lengths.tolist(), embeddings.shape[1])
        self.register_buffer("embeddings", embeddings, persistent=False)
        self.register_buffer("end", end, persistent=False)
        self.register_buffer("order", order.to(end.device), persistent=False)
        self.ctx = nn.Parameter(_context(params, backbone, len(classes), seed))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Image features [B, E] before normalisation."""
        return self.backbone.encode_image(images)

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        text = F.normalize(self.backbone.encode_text(self.prompts(), self.end), dim=-1)
        return self.backbone.logit_scale * F.normalize(features, dim=-1) @ text.T

    def prompts(self) -> Tensor:
        """Token embeddings [K, T, D_t], without positions."""
        context = self.ctx.expand(len(self.embeddings), -1, -1)
        before, after = self.embeddings[:, :1], self.embeddings[:, 1 + self.length :]
        straight = torch.cat((before, context, after), dim=1)
        return torch.take_along_dim(straight, self.order[..., None], dim=1)


def _context(params: Params, backbone: Backbone, classes: int, seed: int) -> Tensor:
    """The initial context [M, D_t] or [K, M, D_t]."""
    sets = (classes,) if params.class_specific else ()
    if params.init == "phrase":
        phrase = backbone.embed_text([PHRASE])[0][0, 1 : 1 + params.context_length]
        return phrase.float().cpu().repeat(*sets, 1, 1)
    draw = generator(seed, "coop", "context")
    shape = (*sets, params.context_length, backbone.info.text_width)
    return 0.02 * torch.randn(shape, generator=draw)


def _order(position: Position, length: int, name_lengths: Sequence[int], tokens: int) -> Tensor:
    """[K, T]: the context of `length` tokens, all before the name, is moved to its `position`."""
    before = {"end": length, "middle": length // 2, "front": 0}[position]
    context = range(1, 1 + length)
    rows = []
    for name_length in name_lengths:
        name = range(1 + length, 1 + length + name_length)
        rest = range(1 + length + name_length, tokens)
        rows.append([0, *context[:before], *name, *context[before:], *rest])
    return torch.tensor(rows)
