"""Drawing by hand: pencil strokes on paper. Kept out of pre-training, used by tasks."""

import torch
from torch import Tensor

from sweeper.drawing.canvas import PIXEL, SIDE, uniform
from sweeper.drawing.warp import Placement, elastic, place


def blotches(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Smooth noise ``[n, SIDE, SIDE]`` around 0.5 with about ``side`` bumps on a line."""
    coarse = torch.rand(n, 1, side, side, generator=generator)
    return torch.nn.functional.interpolate(coarse, SIDE, mode="bicubic", align_corners=False)[:, 0]


def paper(n: int, generator: torch.Generator) -> Tensor:
    """Sheets ``[n, 3, SIDE, SIDE]``: off-white, stained, unevenly lit, with a grain."""
    tint = torch.tensor([0.93, 0.90, 0.82]) + torch.randn(n, 3, generator=generator) * 0.03
    stain = (blotches(n, 4, generator) - 0.5)[:, None] * 0.22
    grain = torch.randn(n, 1, SIDE, SIDE, generator=generator) * 0.05
    return tint[:, :, None, None] + stain + grain


def pencil(
    fields: Tensor, placement: Placement, generator: torch.Generator, strokes: int = 2
) -> Tensor:
    """Ink ``[n, SIDE, SIDE]`` in [0, 1]: outlines drawn over ``strokes`` times, wobbly and broken.

    ``fields`` ``[n, G, G]`` are distance fields in figure units.
    """
    n = len(fields)
    ink = torch.zeros(n, SIDE, SIDE)
    for _ in range(strokes):
        wobble = elastic(uniform(n, 0.03, 0.08, generator), generator)
        distance = place(fields, placement, wobble)
        width = uniform(n, 0.015, 0.035, generator)[:, None, None]
        line = (0.5 - (distance.abs() - width) / PIXEL).clamp(0, 1)
        pressure = (blotches(n, 6, generator) * 2.2 - 0.2).clamp(0, 1)
        ink = torch.maximum(ink, line * pressure)
    return ink


def hatching(n: int, generator: torch.Generator) -> Tensor:
    """Ink ``[n, SIDE, SIDE]`` of thin parallel strokes, faint and uneven."""
    line = torch.arange(SIDE, dtype=torch.float32) / SIDE
    slope = uniform(n, -1.5, 1.5, generator)[:, None, None]
    density = uniform(n, 4, 8, generator)[:, None, None]
    phase = ((line[None, :, None] + slope * line[None, None, :]) * density) % 1
    stroke = (1 - (phase - 0.5).abs() * 6).clamp(0, 1)
    return stroke * blotches(n, 5, generator).clamp(0, 1)
