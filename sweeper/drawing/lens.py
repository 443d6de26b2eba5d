"""What happens to a drawing on its way to the viewer: blur, few pixels, light and noise."""

import functools

import torch
from torch import Tensor

from sweeper.drawing.canvas import SIDE, chance, uniform

RESOLUTIONS = (8, 10, 12, 16, 20, SIDE)


@functools.cache
def _resolution_matrices() -> Tensor:
    """``[len(RESOLUTIONS), SIDE, SIDE]``: shrink a line by area, enlarge it linearly."""
    matrices = []
    for resolution in RESOLUTIONS:
        unit = torch.eye(SIDE)[:, None]
        small = torch.nn.functional.interpolate(unit, resolution, mode="area")
        large = torch.nn.functional.interpolate(small, SIDE, mode="linear")
        matrices.append(large[:, 0].T)
    return torch.stack(matrices)


def _blur_matrices(sigma: Tensor) -> Tensor:
    """``[n, SIDE, SIDE]`` Gaussian smoothing of a line, ``sigma`` ``[n]`` in pixels."""
    line = torch.arange(SIDE, dtype=torch.float32)
    gap = (line[:, None] - line[None]).square()
    kernel = torch.exp(-gap / (2 * sigma.clamp(min=1e-2).square())[:, None, None])
    return kernel / kernel.sum(-1, keepdim=True)


def look(images: Tensor, sigma: Tensor, resolution: Tensor) -> Tensor:
    """Images ``[n, C, SIDE, SIDE]`` blurred and shown with fewer pixels.

    ``sigma`` ``[n]`` in pixels; ``resolution`` ``[n]`` indexes ``RESOLUTIONS``.
    """
    optics = (_resolution_matrices()[resolution] @ _blur_matrices(sigma))[:, None]
    return optics @ images @ optics.mT


def expose(
    images: Tensor, generator: torch.Generator, noise: float = 0.08, light: float = 0.12
) -> Tensor:
    """Images with random brightness, contrast and grain, each up to the given strength."""
    n = len(images)
    grain = uniform(n, 0, noise, generator) * chance(n, 0.6, generator)
    contrast = 1 + uniform(n, -2 * light, light, generator)
    brightness = uniform(n, -light, light, generator)
    lit = (images - 0.5) * contrast.view(-1, 1, 1, 1) + 0.5 + brightness.view(-1, 1, 1, 1)
    noisy = torch.randn(images.shape, generator=generator) * grain.view(-1, 1, 1, 1)
    return lit + noisy
