"""Heat maps: each cell has its number in it; what is missing is hatched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from reports.drawing.style import LETTER, canvas, files, folded, slanted, styled

COLOURS = "cividis"  # rises in lightness for every kind of colour vision
CELL = (0.62, 0.32)  # inches
NAMES = 24  # letters of a label


@dataclass(frozen=True)
class Map:
    """values: (row, column) -> number; what is not in it is missing. digits: after the point."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Mapping[tuple[str, str], float]
    unit: str
    digits: int


def draw_maps(maps: Sequence[Map]) -> dict[str, bytes]:
    """The picture by the ending of its file; maps stand below each other, each with its bar."""
    across = max(len(each.columns) for each in maps)
    longest = min(NAMES, max(len(name) for each in maps for name in each.rows))
    wide = max(4.2, across * CELL[0] + longest * LETTER + 1.5)
    highs = [max(1.2, len(each.rows) * CELL[1]) + 1.5 for each in maps]
    with styled():
        figure = canvas(wide, sum(highs))
        grid = figure.subplots(len(maps), 1, squeeze=False, height_ratios=highs)[:, 0]
        for axes, each in zip(grid, maps, strict=True):
            _map(axes, each, int(wide / LETTER * 0.8))
        return files(figure)


def _map(axes: Axes, each: Map, letters: int) -> None:
    axes.set_title(folded(each.title, letters, lines=5))
    values = [
        [each.values.get((row, column), math.nan) for column in each.columns] for row in each.rows
    ]
    known = [value for line in values for value in line if not math.isnan(value)]
    low, high = min(known), max(known)
    image = axes.imshow(values, cmap=COLOURS, aspect="auto", vmin=low, vmax=high)
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label(folded(each.unit, 28))
    bar.outline.set_visible(False)
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            if math.isnan(value):
                corner = (x - 0.5, y - 0.5)
                axes.add_patch(
                    Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor="#888888", lw=0)
                )
            else:
                pale = high > low and (value - low) / (high - low) > 0.55
                told = f"{value:.{each.digits}f}"
                colour = "black" if pale else "white"
                size = 8 if len(told) <= 5 else 6.5
                axes.text(x, y, told, ha="center", va="center", color=colour, fontsize=size)
    columns = [folded(name, NAMES, lines=1) for name in each.columns]
    axes.set_xticks(range(len(columns)), columns, fontsize=8)
    if any(len(name) * LETTER > CELL[0] for name in columns):
        slanted(axes)
    rows = [folded(name, NAMES, lines=2) for name in each.rows]
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
