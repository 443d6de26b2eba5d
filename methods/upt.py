"""Unified prompt tuning (UPT): prompts of both towers, made by one small transformer layer.

Paper: "Unified Vision and Language Prompt Learning", Eq. 5 and Fig. 3; Table 2 and Fig. 5 compare
    what `variant` names.
Equation: U' = SA(U) + LN1(U), O = FFN(LN2(U')) + LN2(U'), for each layer's own U and one theta;
    the first m rows of O are context tokens of the text tower, the last m, mapped to D, prompts
    after CLS. `residual` plain (public code): U' = LN1(U + SA(U)), O = U' + FFN(LN2(U')).
    joint: text and image prompts by themselves; shared: O = U, one half for both; mlp: O = FFN(U).
Shapes: U [S, 2m, D_t] with S = max(L, L_t) deep, 1 shallow; set i stands before block i.
Trainable: upt: S * 2m * D_t + 6 D_t^2 + 10 D_t + D * (D_t + 1), 1,976,064 at S = 1, D_t = 512;
    mlp: S * 2m * D_t + 2 D_t * (D_t + 1) + D * (D_t + 1); shared: S * m * D_t + D * (D_t + 1);
    joint: m * D_t + L * m * D (m * D shallow)

Deviations:
- The paper does not say m for UPT, whether layers share theta, its heads, widths and dropout, nor
  how D_t becomes D. Here, as in the code: m = 4, one head, FFN D_t -> D_t -> D_t, dropout 0.1
  (attention weights, hidden layer), a linear map with bias; and one theta for all layers.
- The code is shallow, and hands its prompts to the attention as sequences of one, so that none
  reads another: `layers` shallow, `attention` length_one.
- The code runs theta once for each tower. Dropout is drawn for each row by itself, so one run has
  the same distribution.
- Deep image prompts enter behind the first norm, shallow ones before it, as in the code's VPT.
- Table 2's rows are not described further: in `joint` the text prompts are CoOp's, of the input
  alone; `shared` maps text width to image width; `mlp` is two linear layers with ReLU and dropout.
- Epochs are not in the paper; the presets have the code's 200, which also has the weight decay
  5e-4, on all parameters where a recipe's leaves out biases and norms.
- The trial's `template` is not read.
"""

from __future__ import annotations

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
    MethodParams,
    Prompts,
    Space,
    generator,
    keyed,
    param,
)

AROUND = 4  # tokens beside the context: start, a name of one token, full stop, end


class Params(MethodParams):
    """The rows of Table 2, and where paper and code disagree; defaults are the paper's."""

    prompt_length: int = param(4, ge=1, le=1024, description="m, of each tower; UPT code")
    variant: Literal["upt", "joint", "shared", "mlp"] = param("upt", description="UPT Table 2")
    layers: Literal["deep", "shallow"] = param(
        "deep", description="prompts of each block (UPT section 2.3), or of the input alone (code)"
    )
    attention: Literal["sequence", "length_one"] = param(
        "sequence", description="prompts read each other (UPT Eq. 5), or only themselves (code)"
    )
    residual: Literal["normed", "plain"] = param(
        "normed", description="the sum with LN(U) (UPT Eq. 5), or with U (code)"
    )
    dropout: float = param(0.1, ge=0, le=0.9, description="of upt and mlp, in training; code")


SPACE: Mapping[str, Space] = {
    "prompt_length": Integers(1, 16, log=True),
    "variant": Choice(("upt", "joint", "shared", "mlp")),
    "layers": Choice(("deep", "shallow")),
    "attention": Choice(("sequence", "length_one")),
}

_RECIPE: Mapping[str, object] = {
    "prompt_length": 4,
    "variant": "upt",
    "optimizer": "sgd",
    "lr": 0.002,
    "batch_size": 32,
    "epochs": 200,
}

_EQUATION_5 = {"layers": "deep", "attention": "sequence", "residual": "normed"}
_CODE = {"layers": "shallow", "attention": "length_one", "residual": "plain"}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_RECIPE, **_EQUATION_5, "schedule": "cosine"},
    "official": {
        **_RECIPE,
        **_CODE,
        "schedule": "coop_official",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "augmentation": "coop",
    },
}

REQUIRES = frozenset({"input_tokens", "block_tokens", "text_tokens"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if the prompts are longer than either tower takes."""
    length, room = params.prompt_length, backbone.text_context - AROUND
    if length > room:
        return f"prompt_length {length} leaves no room for a class name, {room} would"
    if length > backbone.max_prompts:
        return f"prompt_length {length} is more than its {backbone.max_prompts}"
    return None


class Method(nn.Module):
    """The prompts, and what makes those of the two towers of them."""

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
        self.backbone, self.params = backbone, params
        info, length = backbone.info, params.prompt_length
        placeholders = " ".join("X" * length)
        texts = [f"{placeholders} {name.replace('_', ' ')}." for name in classes]
        embeddings, end = backbone.embed_text(texts)
        self.register_buffer("embeddings", embeddings, persistent=False)
        self.register_buffer("end", end, persistent=False)
        deep = params.layers == "deep"
        if params.variant == "joint":
            image_shape = (info.depth if deep else 1, length, info.width)
            self.prompts = _normal(seed, "text prompts", (1, length, info.text_width))
            self.image_prompts = _normal(seed, "image prompts", image_shape)
            return
        sets = max(info.depth, info.text_depth) if deep else 1
        rows = length if params.variant == "shared" else 2 * length
        self.prompts = _normal(seed, "prompts", (sets, rows, info.text_width))
        with keyed(seed, "upt", "map"):
            self.to_image = nn.Linear(info.text_width, info.width)
        with keyed(seed, "upt", "theta"):
            if params.variant == "upt":
                self.theta: nn.Module = _Theta(info.text_width, params)
            elif params.variant == "mlp":
                self.theta = _feed_forward(info.text_width, params.dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        text_prompts, image_prompts = self.both()
        features = F.normalize(self._encode_image(images, image_prompts), dim=-1)
        text = F.normalize(self._encode_text(text_prompts), dim=-1)
        return self.backbone.logit_scale * features @ text.T

    def both(self) -> tuple[Tensor, Tensor]:
        """Prompts of the text tower [S, m, D_t] and of the image tower [S, m, D]."""
        if self.params.variant == "joint":
            return self.prompts, self.image_prompts
        if self.params.variant == "shared":
            return self.prompts, self.to_image(self.prompts)
        text, image = self.theta(self.prompts).chunk(2, dim=1)
        return text, self.to_image(image)

    def _encode_text(self, prompts: Tensor) -> Tensor:
        """Text features [K, E]; sets beyond the tower's depth are not read."""
        context = prompts[0].expand(len(self.end), -1, -1)
        after = self.embeddings[:, 1 + self.params.prompt_length :]
        tokens = torch.cat((self.embeddings[:, :1], context, after), dim=1)
        deeper = prompts[1 : self.backbone.info.text_depth] if len(prompts) > 1 else None
        return self.backbone.encode_text(tokens, self.end, deeper=deeper, first=1)

    def _encode_image(self, images: Tensor, prompts: Tensor) -> Tensor:
        """Image features [B, E]; sets beyond the tower's depth are not read."""
        deeper = prompts[1 : self.backbone.info.depth] if len(prompts) > 1 else None
        normed = self.params.layers == "deep"
        read = Prompts(prompts[0], place="after_cls", normed=normed, deeper=deeper)
        return self.backbone.encode_image(images, read)


class _Theta(nn.Module):
    """The transformer layer, on prompts [S, n, D_t]."""

    def __init__(self, width: int, params: Params) -> None:
        super().__init__()
        self.params = params
        self.attention = nn.MultiheadAttention(width, 1, params.dropout, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed_forward = _feed_forward(width, params.dropout)

    def forward(self, prompts: Tensor) -> Tensor:
        mixed = self._attend(prompts)
        if self.params.residual == "normed":
            normed: Tensor = self.norm2(mixed + self.norm1(prompts))
            outputs: Tensor = normed + self.feed_forward(normed)
        else:
            between: Tensor = self.norm1(prompts + mixed)
            outputs = between + self.feed_forward(self.norm2(between))
        return outputs

    def _attend(self, prompts: Tensor) -> Tensor:
        alone = self.params.attention == "length_one"
        sequence = prompts.flatten(0, 1)[:, None] if alone else prompts
        mixed: Tensor = self.attention(sequence, sequence, sequence, need_weights=False)[0]
        return mixed.view_as(prompts)


def _feed_forward(width: int, dropout: float) -> nn.Module:
    hidden = nn.Linear(width, width)
    return nn.Sequential(hidden, nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width))


def _normal(seed: int, name: str, shape: tuple[int, ...]) -> nn.Parameter:
    """N(0, 0.02^2), as CoOp's context and VPT for CLIP start."""
    return nn.Parameter(0.02 * torch.randn(shape, generator=generator(seed, "upt", name)))
