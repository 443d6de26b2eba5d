"""Where things stand: named cells of the canvas, and places for several things at once."""

import torch
from torch import Tensor

from sweeper.drawing.canvas import uniform

POSITIONS = (
    "top left", "top", "top right", "left", "centre", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
DIRECTIONS = ("up", "right", "down", "left")
MOST = 8


def cell_centre(position: Tensor, generator: torch.Generator, jitter: float = 0.1) -> Tensor:
    """Points ``[n, 2]`` near the middle of the named cells ``[n]`` (index into ``POSITIONS``)."""
    column, row = position % 3, position // 3
    middle = (torch.stack((column, row), -1) - 1) * 0.64
    return middle + uniform(2 * len(position), -jitter, jitter, generator).view(-1, 2)


def scatter(
    count: Tensor, generator: torch.Generator, crowding: float = 0.8
) -> tuple[Tensor, Tensor, Tensor]:
    """Places for ``count`` ``[n]`` figures on each of n canvases, none touching another.

    Returns, for all figures in a row, the canvas index ``[f]``, centres ``[f, 2]`` and sizes
    ``[f]``. Figures stand in random cells of a 3 x 3 or 4 x 4 lattice, displaced inside the cell
    as far as their size allows; a figure fills at most ``crowding`` of its cell.
    """
    n = len(count)
    lattice = 3 + (torch.rand(n, generator=generator) < 0.5).long()
    room = 1 / lattice.float()
    order = torch.rand(n, 16, generator=generator)
    order[torch.arange(16)[None] >= lattice[:, None].square()] = 2.0
    cells = order.argsort(-1)[:, :MOST]
    canvas, slot = (torch.arange(MOST)[None] < count[:, None]).nonzero(as_tuple=True)
    cell, side, half = cells[canvas, slot], lattice[canvas], room[canvas]
    middle = (torch.stack((cell % side, cell // side), -1) * 2 + 1) * half[:, None] - 1
    figures = len(canvas)
    size = half * uniform(figures, 0.55, 1.0, generator) * crowding
    freedom = (half - size)[:, None]
    offset = uniform(2 * figures, -1, 1, generator).view(-1, 2) * freedom
    return canvas, middle + offset, size
