"""Signed distance fields: the one form in which shapes and glyphs are kept.

A field is a square grid covering [-REACH, REACH] in the figure's own units (the figure fits in
the unit disc). Negative inside. Moving the zero level thickens or thins a figure, and the
absolute value turns it into an outline, so one picture of a figure gives many.
"""

import torch
from torch import Tensor

GRID = 48
REACH = 1.4
FINE = 2 * GRID


def fine_grid() -> tuple[Tensor, Tensor]:
    """Coordinates x, y ``[FINE, FINE]`` of the grid on which figures are defined."""
    line = ((torch.arange(FINE) + 0.5) * (2 / FINE) - 1) * REACH
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def distance_to(mask: Tensor) -> Tensor:
    """Exact Euclidean distance in cells to the nearest true cell, ``[N, H, W]``.

    Two passes, columns then rows, each a minimum over shifted parabolas.
    """
    height, width = mask.shape[-2:]
    far = float((height + width) ** 2)
    squared = torch.where(mask, 0.0, far)
    rows = torch.arange(height, dtype=torch.float32)
    columns = torch.arange(width, dtype=torch.float32)
    down = torch.full_like(squared, far)
    for row in range(height):
        gap = (rows - row).square()[:, None]
        down = torch.minimum(down, squared[:, row : row + 1, :] + gap)
    across = torch.full_like(squared, far)
    for column in range(width):
        gap = (columns - column).square()
        across = torch.minimum(across, down[:, :, column : column + 1] + gap)
    return across.sqrt()


def signed_distance(mask: Tensor) -> Tensor:
    """Field ``[N, GRID, GRID]`` in figure units of figures given as fine masks ``[N, F, F]``."""
    cell = 2 * REACH / mask.shape[-1]
    field = (distance_to(mask) - distance_to(~mask)) * cell
    pool = mask.shape[-1] // GRID
    return torch.nn.functional.avg_pool2d(field[:, None], pool)[:, 0]
