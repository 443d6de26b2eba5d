"""Supervised network (scratch): a ResNet from its initialisation, without the frozen network.

Paper: "Prompt Generation Networks for Efficient Adaptation of Frozen Vision Transformers", Table 1,
    row "ResNet10 (supervised)": the generator's own network, so that the table shows how much of
    PGN's accuracy the small network would have reached alone.
Equation: logits = W g(x) + b, g the trunk of PGN (Table 9) with F features.
Shapes: x [B, 3, r, r] the image resized to `resolution`, g(x) [B, F], W [K, F], b [K].
Trainable: trunk + K * (F + 1), with F = 128 and a trunk of 307,312 for ResNet10 (conv3; 309,232
    with conv7), 11,176,512 and F = 512 for ResNet18.

Deviations:
- The paper does not say how this network was trained. `paper` is what Table 8 says of PGN in
  Table 1; the stem is Table 9's.
- Images are normalised as the backbone of the sweep wants them; nothing else of it is used.
- W starts as `torch.nn.Linear` does; neither the paper nor the code has this network's last layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from methods._trunk import CROP, Stem, network, resized, width_of
from sweeper.method import Backbone, BackboneInfo, Choice, MethodParams, Space, keyed, param


class Params(MethodParams):
    """The network; its defaults are those of PGN's trunk."""

    network: Literal["resnet10", "resnet18"] = param("resnet10", description="Table 1; Table 3c")
    resolution: int = param(64, ge=CROP, le=1024, description="pixels, r; Table 8")
    stem: Stem = param("conv3", description="of ResNet10; Table 9 has conv7")


SPACE: Mapping[str, Space] = {"network": Choice(("resnet10", "resnet18"))}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {
        "resolution": 224,
        "stem": "conv7",
        "optimizer": "sgd",
        "lr": 0.1,
        "momentum": 0.9,
        "batch_size": 128,
        "epochs": 1000,
        "warmup_epochs": 50,
        "schedule": "cosine",
    }
}

REQUIRES: frozenset[str] = frozenset()


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """Any backbone stands beside it."""
    return None


class Method(nn.Module):
    """The trunk and its linear head."""

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
        self.resolution = params.resolution
        with keyed(seed, "scratch", "head"):
            head = nn.Linear(width_of(params.network), len(classes))
        with keyed(seed, "scratch", "network"):
            self.model = network(params.network, params.stem, head)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        logits: Tensor = self.model(resized(images, self.resolution))
        return logits
