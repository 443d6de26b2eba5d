"""Linear probe (LP): one linear layer on the frozen image features.

Paper: VP Table 1 and PGN Table 5 ("Linear ft."); VPT's "linear"; CLIP's own evaluation.
Equation: logits = W z + b, z = image feature before normalisation.
Shapes: z [B, E], W [K, E], b [K].
Trainable: K * (E + 1), none of it by gradient steps with the solver `logistic`

Deviations:
- z has the joint width E (512 on ViT-B/32), as in CLIP's own recipe, which VP's author names.
  PGN Table 5 prints 0.75M over its 12 data sets (968 classes): that is the 768 values before the
  projection (744,392 with bias, 0.74M); 512 values give 496,584.
- `recipe` is trained as the sweep says, as VPT does. `logistic` is CLIP's: scikit-learn's logistic
  regression (L-BFGS on the sum of losses, and |W|^2 / 2C) of the whole training split, once.
- Its features are float64; CLIP's are what the network gives, float16 on a GPU.
- A class without an image in the training split has no finite optimum: with `logistic` its row of
  W is 0 and its bias -10^4, so that it is never predicted and its loss stays finite.
- CoOp's probe looks for C on a few images of val; here that is a sweep over `inverse_penalty`.
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
    Examples,
    HeadInit,
    LinearHead,
    LogUniform,
    MethodParams,
    Space,
    generator,
    param,
)

ABSENT = -1e4  # bias of a class that the solver does not see
BATCH = 500  # images a forward pass before the solver


class Params(MethodParams):
    """How the layer starts, and what finds it."""

    head_init: HeadInit = param(
        "normal",
        description="normal: N(0, 0.02^2) cut at 2 deviations, bias 0 (SPT's head), small_normal: "
        "0.01 (SPT on MoCo); kaiming: normal over fan-out, bias -ln 99 (VPT's head)",
    )
    solver: Literal["recipe", "logistic"] = param("recipe", description="VPT; logistic: CLIP")
    inverse_penalty: float = param(
        0.316, ge=1e-6, le=1e6, description="C of `logistic`: CLIP; bounds: CoOp's search"
    )


SPACE: Mapping[str, Space] = {
    "head_init": Choice(("normal", "kaiming")),
    "solver": Choice(("recipe", "logistic")),
    "inverse_penalty": LogUniform(1e-6, 1e6),
}

# VPT has no single learning rate: it picks one from ten on validation, so none stands here.
PRESETS: Mapping[str, Mapping[str, object]] = {
    "vpt": {
        "head_init": "kaiming",
        "optimizer": "sgd",
        "momentum": 0.9,
        "epochs": 100,
        "warmup_epochs": 10,
        "schedule": "vpt_official",
    },
    "clip": {"solver": "logistic", "inverse_penalty": 0.316},
}

REQUIRES: frozenset[str] = frozenset()

FEATURES = "tower"


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """Any backbone carries it."""
    return None


class Method(nn.Module):
    """A linear head; the image path has nothing to train, so its features are computed once."""

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
        draw = generator(seed, "lp", "weight")
        head = LinearHead(backbone.info.embed_dim, len(classes), params.head_init, draw)
        self.weight, self.bias = head.weight, head.bias

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Image features [B, E] before normalisation."""
        return self.backbone.encode_image(images)

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, E]."""
        return F.linear(features, self.weight, self.bias)

    def construct(self, own: Examples, others: Mapping[str, Examples]) -> None:
        """With `logistic`, the layer's final values from all images of `own`."""
        if self.params.solver == "recipe":
            return
        index, labels = torch.arange(len(own)), own.labels.cpu()
        features = [self.features(own.read(part)).cpu() for part in torch.split(index, BATCH)]
        seen = labels.bincount(minlength=len(self.bias)) > 0
        weight, bias = _solve(torch.cat(features).double(), labels, self.params.inverse_penalty)
        self.weight.zero_()[seen] = weight.to(self.weight)
        self.bias.fill_(ABSENT)[seen] = bias.to(self.bias)
        self.requires_grad_(requires_grad=False)


def _solve(features: Tensor, labels: Tensor, inverse_penalty: float) -> tuple[Tensor, Tensor]:
    """W [S, E] and b [S] of the S classes that occur in `labels` [N], of features [N, E].

    Rows are in the order of the classes.
    """
    from sklearn.linear_model import LogisticRegression  # seconds to import, for this alone

    seen = len(set(labels.tolist()))
    if seen == 1:
        return features.new_zeros(1, features.shape[1]), features.new_zeros(1)
    found = LogisticRegression(C=inverse_penalty, max_iter=1000)
    found.fit(features.numpy(), labels.numpy())
    weight, bias = torch.from_numpy(found.coef_), torch.from_numpy(found.intercept_)
    if seen == 2:  # one row, the logit of the second class against the first
        weight, bias = (torch.cat((torch.zeros_like(part), part)) for part in (weight, bias))
    return weight, bias
