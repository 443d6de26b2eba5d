"""Template: one learned input token, and a learned shift of the image feature.

Copy this file to `methods/<name>.py`, or anywhere and write `method: ./path/<name>.py`. Its first
line is what `sweeper methods` shows. It is a real, if small, method: the tests train it.

Paper: none. Name the paper and the tables and figures that your parameters come from.
Equation: z = Phi([CLS; patches] + positions; t) + o, logits = s * cos(z, text).
Shapes: t [1, D], o [E], text [K, E], logits [B, K]. Use the symbols of `sweeper/method.py`.
Trainable: D + E (D without the shift)

Deviations:
- None. Say here where you depart from the paper, and where the paper and its code disagree.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# All that a method needs of sweeper stands in this one module.
from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    LogUniform,
    MethodParams,
    Space,
    generator,
    param,
)


class Params(MethodParams):
    """What a sweep may vary: plain scalars with bounds, or `Literal["a", "b"]` of typing.

    The description says where the default comes from.
    """

    token_std: float = param(0.02, gt=0, le=10, description="standard deviation; CoOp, PGN code")
    shift: bool = param(True, description="whether o is learned; our own choice")


# What a search explores unless the sweep file says otherwise. Values must lie within the bounds.
SPACE: Mapping[str, Space] = {
    "token_std": LogUniform(0.001, 1.0),
    "shift": Choice((True, False)),
}

# Settings under a name, of this method and of the recipe (`epochs`, `lr`, ...): usually `paper`
# and `official`, where a paper and its public code disagree.
PRESETS: Mapping[str, Mapping[str, object]] = {
    "plain": {"shift": False, "optimizer": "sgd", "lr": 0.1},
}

# The ways into a backbone that are used below; a backbone without them is skipped with a reason.
REQUIRES = frozenset({"input_tokens", "text"})


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """Why this backbone cannot carry these parameters, or None. Names the parameter to blame."""
    if backbone.max_prompts < 1:
        return "it takes no prompt"
    return None


class Method(nn.Module):
    """What trains is an `nn.Parameter` here; everything else is frozen."""

    text: Tensor

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
        # The backbone is no nn.Module: kept like this, it is neither trained nor saved.
        self.backbone = backbone
        # A draw has names of its own, so it stays the same whatever else is drawn.
        draw = generator(seed, "template", "token")
        token = params.token_std * torch.randn(1, backbone.info.width, generator=draw)
        self.token = nn.Parameter(token)
        self.offset = nn.Parameter(torch.zeros(backbone.info.embed_dim)) if params.shift else None
        # A buffer moves to the GPU with the module; not persistent, so it is not in a checkpoint.
        self.register_buffer("text", backbone.classifier(classes, template), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of normalised images [B, 3, H, W]."""
        # One prompt for all images is [p, D]; one set for each image would be [B, p, D].
        features = self.backbone.encode_image(images, self.token)
        if self.offset is not None:
            features = features + self.offset
        return self.backbone.logit_scale * F.normalize(features, dim=-1) @ self.text.T
