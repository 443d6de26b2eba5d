"""Text prompts (TP): zero-shot classification with class names written into a template.

Paper: Radford et al. 2021 (CLIP); the row "CLIP + TP" of PGN Tables 1, 5 and 6, TP of VP Table 1.
Equation: logits = s * cos(image feature, text feature of each class), s = exp(logit_scale).
Shapes: image features [B, E], text features [K, E], logits [B, K].
Trainable: 0

Deviations:
- UPT Eq. 1 divides the cosine by a temperature of 100; it is multiplied, as CLIP does.
- Class names are lower-cased and '_' becomes a space, as in PGN's code; VP's also splits at '-'.
- One template a task. PGN's code writes "A photo of a" for CIFAR-100 and its Table 7 "This is a
  photo of a": what is used is the task's, and is recorded with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.method import Backbone, BackboneInfo, MethodParams, Space


class Params(MethodParams):
    """None: the text template belongs to the task."""


SPACE: Mapping[str, Space] = {}

PRESETS: Mapping[str, Mapping[str, object]] = {}

REQUIRES = frozenset({"text"})

TRAINS = False

FEATURES = "tower"


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """Any backbone with a text tower carries it."""
    return None


class Method(nn.Module):
    """The cosine classifier of CLIP."""

    text: Tensor  # [K, E], unit rows

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
        self.register_buffer("text", backbone.classifier(classes, template), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Image features [B, E] before normalisation."""
        return self.backbone.encode_image(images)

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of unit features [B, E]."""
        return self.backbone.logit_scale * F.normalize(features, dim=-1) @ self.text.T
