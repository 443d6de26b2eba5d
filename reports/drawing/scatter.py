"""Points with their names, which stand where they hide nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from reports.drawing.style import (
    PALE,
    canvas,
    files,
    folded,
    legend,
    look,
    styled,
)

SIZE = (5.6, 4.2)  # inches
MOST = 60  # points that have their names beside them
STEPS = (8, 16, 26, 38, 52)  # how far from its point a name may stand, in points of type
AROUND = tuple((math.cos(turn), math.sin(turn)) for turn in (k * math.pi / 4 for k in range(8)))


@dataclass(frozen=True)
class Cloud:
    """The points of one label: their names, x, y, and half widths of intervals of y, or NaN."""

    name: str
    points: Sequence[tuple[str, float, float, float]]


def draw_points(clouds: Sequence[Cloud], x_label: str, y_label: str) -> dict[str, bytes]:
    """The picture by the ending of its file."""
    with styled():
        figure = canvas(*SIZE)
        axes = figure.subplots()
        axes.margins(0.12)
        axes.grid(color=PALE, linewidth=0.6)
        axes.axhline(0, color="black", linewidth=0.8)
        handles = [_cloud(axes, cloud, place) for place, cloud in enumerate(clouds)]
        axes.set_xlabel(folded(x_label, 60))
        axes.set_ylabel(folded(y_label, 44))
        extra = legend(figure, handles, [cloud.name for cloud in clouds])
        figure.set_figheight(SIZE[1] + extra)
        named = [point for cloud in clouds for point in cloud.points]
        if len(named) <= MOST:
            figure.draw_without_rendering()
            _name(axes, named)
        return files(figure)


def _cloud(axes: Axes, cloud: Cloud, place: int) -> Any:
    own = look(place)
    x = [point[1] for point in cloud.points]
    y = [point[2] for point in cloud.points]
    halves = [point[3] for point in cloud.points]
    known = [at for at, half in enumerate(halves) if not math.isnan(half)]
    axes.errorbar(
        [x[at] for at in known],
        [y[at] for at in known],
        yerr=[halves[at] for at in known],
        fmt="none",
        ecolor=own.colour,
        elinewidth=0.8,
        capsize=2,
        alpha=0.6,
    )
    (drawn,) = axes.plot(x, y, linestyle="", marker=own.marker, color=own.colour, markersize=5.5)
    return drawn


def _name(axes: Axes, points: Sequence[tuple[str, float, float, float]]) -> None:
    """Writes each name at the nearest free place around its point, with a thin line to it."""
    renderer = axes.figure.canvas.get_renderer()
    inside = axes.get_window_extent(renderer)
    dots = axes.figure.dpi / 72
    places = [axes.transData.transform((x, y)) for _, x, y, _ in points]
    taken = [
        Bbox.from_bounds(px - 4 * dots, py - 4 * dots, 8 * dots, 8 * dots) for px, py in places
    ]
    for (name, x, y, _), (px, py) in zip(points, places, strict=True):
        told = axes.annotate(
            folded(name, 22, lines=1),
            (x, y),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=7.5,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "color": "#999999", "lw": 0.5, "shrinkB": 2},
        )
        box = told.get_window_extent(renderer)
        found = _free(box.width, box.height, (px, py), dots, inside, taken)
        taken.append(found)
        middle = ((found.x0 + found.x1) / 2, (found.y0 + found.y1) / 2)
        told.set_position(((middle[0] - px) / dots, (middle[1] - py) / dots))


def _free(
    width: float,
    height: float,
    point: tuple[float, float],
    dots: float,
    inside: Bbox,
    taken: Sequence[Bbox],
) -> Bbox:
    """The nearest box of that size around `point` that hides least."""
    best, least = Bbox.from_bounds(*point, width, height), math.inf
    for step in STEPS:
        for right, up in AROUND:
            x = point[0] + right * (step * dots + width / 2) - width / 2
            y = point[1] + up * (step * dots + height / 2) - height / 2
            box = Bbox.from_bounds(x, y, width, height)
            out = x < inside.x0 or y < inside.y0 or x + width > inside.x1 or y + height > inside.y1
            cost = sum(box.overlaps(other) for other in taken) + 2 * out
            if cost == 0:
                return box
            if cost < least:
                best, least = box, cost
    return best
