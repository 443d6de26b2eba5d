"""Placing figures: from a distance field in figure units to one on the canvas."""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from sweeper.drawing.canvas import SIDE, coordinates
from sweeper.drawing.distance import REACH

KNOTS = 5


@dataclass(frozen=True)
class Placement:
    """Where n figures go; every field is ``[n]`` unless noted.

    ``centre`` ``[n, 2]`` and ``size`` (half the figure's extent) in canvas units, ``angle`` in
    radians, ``aspect`` width over height, ``shear`` as the tangent of the slant.
    """

    centre: Tensor
    size: Tensor
    angle: Tensor
    aspect: Tensor
    shear: Tensor


@functools.cache
def _smooth_basis() -> Tensor:
    """``[KNOTS**2, SIDE**2]``: bicubic interpolation of a coarse field as one matrix."""
    unit = torch.eye(KNOTS**2).view(KNOTS**2, 1, KNOTS, KNOTS)
    field = torch.nn.functional.interpolate(unit, SIDE, mode="bicubic", align_corners=True)
    return field.reshape(KNOTS**2, SIDE**2)


def elastic(amount: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth displacements ``[n, SIDE, SIDE, 2]``, ``amount`` ``[n]`` canvas units strong."""
    n = len(amount)
    knots = torch.randn(n, 2, KNOTS**2, generator=generator) * amount[:, None, None]
    return (knots @ _smooth_basis()).view(n, 2, SIDE, SIDE).permute(0, 2, 3, 1)


def place(fields: Tensor, placement: Placement, bend: Tensor | None = None) -> Tensor:
    """Distances ``[n, SIDE, SIDE]`` in canvas units of figures given as fields ``[n, G, G]``.

    ``bend`` displaces the canvas, as ``elastic`` does.
    """
    grid = coordinates()[None] - placement.centre[:, None, None]
    grid = grid if bend is None else grid + bend
    cosine, sine = torch.cos(placement.angle), torch.sin(placement.angle)
    stretch = placement.aspect.sqrt()
    # Inverse of: slant, stretch, turn, enlarge.
    turn = torch.stack((cosine, sine, -sine, cosine), -1).view(-1, 2, 2)
    scale = torch.stack((1 / stretch, stretch), -1) / placement.size[:, None]
    slant = torch.eye(2).repeat(len(cosine), 1, 1)
    slant[:, 0, 1] = placement.shear
    inverse = slant @ (scale[:, :, None] * turn) / REACH
    local = (grid.flatten(1, 2) @ inverse.mT).view(-1, SIDE, SIDE, 2)
    sampled = torch.nn.functional.grid_sample(
        fields[:, None], local, padding_mode="border", align_corners=False
    )
    return sampled[:, 0] * placement.size[:, None, None]
