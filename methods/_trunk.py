"""The networks that look at an image beside the frozen one: PGN's trunks (Tables 3c and 9).

Symbols: r resolution, F features that the trunk gives its last layer.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Trunk = Literal["mlp", "resnet10", "resnet18"]
Stem = Literal["conv3", "conv7"]

CROP = 10  # pixels that the MLP sees, Table 3c
WIDTHS = (16, 32, 64, 128)  # of the four groups of ResNet10, Table 9


def width_of(trunk: Trunk) -> int:
    """F."""
    return 512 if trunk == "resnet18" else WIDTHS[-1]


def network(trunk: Trunk, stem: Stem, last: nn.Module) -> nn.Module:
    """Images [B, 3, r, r] to the outputs of `last`, which reads [B, F]; `stem` is ResNet10's."""
    if trunk == "resnet10":
        return _ResNet10(3 if stem == "conv3" else 7, last)
    if trunk == "mlp":
        layers = [_CentreCrop(), nn.Flatten(), nn.Linear(3 * CROP**2, WIDTHS[-1]), nn.ReLU()]
        return nn.Sequential(*layers, last)
    from torchvision.models import resnet18  # seconds to import, for this trunk alone

    model: nn.Module = resnet18()
    model.fc = last
    return model


def resized(images: Tensor, resolution: int) -> Tensor:
    """Images [B, 3, r, r] of images [B, 3, H, W]; bilinear, antialiased."""
    size = (resolution, resolution)
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)


class _CentreCrop(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        """The pixels [B, 3, 10, 10] in the centre."""
        top, left = ((side - CROP) // 2 for side in images.shape[-2:])
        return images[..., top : top + CROP, left : left + CROP]


class _ResNet10(nn.Module):
    """Table 9: a stem, four groups of one basic block, global average pooling, the last layer."""

    def __init__(self, stem: int, last: nn.Module) -> None:
        super().__init__()
        first = WIDTHS[0]
        self.input_net = nn.Sequential(
            nn.Conv2d(3, first, stem, stride=2, padding=stem // 2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        pairs = zip((first, *WIDTHS), WIDTHS, strict=False)
        self.blocks = nn.Sequential(*(_Block(into, out) for into, out in pairs))
        self.output_net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """[B, outputs] of images [B, 3, r, r]."""
        outputs: Tensor = self.output_net(self.blocks(self.input_net(images)))
        return outputs


class _Block(nn.Module):
    """Two 3x3 convolutions; where the width grows, stride 2 and a 1x1 shortcut without a norm."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        grows = out > into
        self.net = nn.Sequential(
            nn.Conv2d(into, out, 3, stride=2 if grows else 1, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.downsample = nn.Conv2d(into, out, 1, stride=2) if grows else None

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps [B, out, h, w] of [B, into, H, W]."""
        shortcut = images if self.downsample is None else self.downsample(images)
        return F.relu(self.net(images) + shortcut)
