"""The canvas every drawing lives on.

Coordinates are canvas units: x to the right and y down, both from -1 to 1, so one pixel is
``PIXEL`` units wide. Images are float RGB in [0, 1] while they are drawn and uint8 at the end.
"""

import torch
from torch import Tensor

SIDE = 32
PIXEL = 2 / SIDE


def coordinates(side: int = SIDE) -> Tensor:
    """Pixel centres, ``[side, side, 2]``, last axis (x, y) in canvas units."""
    line = (torch.arange(side) + 0.5) * (2 / side) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y), -1)


def uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """``[n]`` numbers drawn uniformly between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(n, generator=generator)


def choice(n: int, values: int, generator: torch.Generator) -> Tensor:
    """``[n]`` integers drawn uniformly from ``range(values)``."""
    return torch.randint(values, (n,), generator=generator)


def chance(n: int, probability: float, generator: torch.Generator) -> Tensor:
    """``[n]`` booleans, true with the given probability."""
    return torch.rand(n, generator=generator) < probability


def to_uint8(images: Tensor) -> Tensor:
    """Images in [0, 1] rounded to bytes."""
    return images.clamp(0, 1).mul(255).round().to(torch.uint8)
