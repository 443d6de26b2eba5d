"""Points with their names, which stand where they hide nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes

from reports.drawing.style import PALE, bounded, canvas, files, folded, legend, look, styled

SIZE = (5.6, 4.2)  # inches
MOST = 60  # points that have their names beside them
STEPS = (8, 16, 26, 38, 52)  # how far from its point a name may stand, in points of type
Box = tuple[float, float, float, float]  # left, bottom, right, top, in dots
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
        axes.set_ylim(*bounded(y_label, *axes.get_ylim()))
        axes.set_xlabel(folded(x_label, 60))
        axes.set_ylabel(folded(y_label, 44))
        extra = legend(figure, handles, [cloud.name for cloud in clouds])
        figure.set_figheight(SIZE[1] + extra)
        named = [point for cloud in clouds for point in cloud.points]
        if len(named) <= MOST:
            figure.draw_without_rendering()
            _name(axes, clouds, figure.dpi / 72)
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


def _name(axes: Axes, clouds: Sequence[Cloud], dots: float) -> None:
    """Writes each name at the nearest free place around its point, with a thin line to it.

    dots: of the figure, for each point of type.
    """
    left, bottom, right, top = (float(edge) for edge in axes.get_window_extent().extents)
    room = _Room((left, bottom, right, top), dots)
    for cloud in clouds:
        for _, x, y, half in cloud.points:
            centre = axes.transData.transform((x, y))
            room.taken.append(_around(centre, 4 * dots, 4 * dots))
            if not math.isnan(half):
                end = axes.transData.transform((x, y + half))
                room.crossed.append(_around(centre, dots, end[1] - centre[1]))
    for place, cloud in enumerate(clouds):
        for name, x, y, _ in cloud.points:
            told = axes.annotate(
                folded(name, 22, lines=1),
                (x, y),
                xytext=(0, 0),
                textcoords="offset points",
                fontsize=7.5,
                ha="center",
                va="center",
                color=look(place).colour if len(clouds) > 1 else "black",
                arrowprops={"arrowstyle": "-", "color": "#999999", "lw": 0.5, "shrinkB": 2},
            )
            box = told.get_window_extent()
            px, py = axes.transData.transform((x, y))
            right, up = room.place(box.width, box.height, (px, py))
            told.set_position((right / dots, up / dots))


def _around(centre: Any, half_width: float, half_height: float) -> Box:
    x, y = float(centre[0]), float(centre[1])
    return x - half_width, y - half_height, x + half_width, y + half_height


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@dataclass
class _Room:
    """What is drawn already, in dots. taken: points and names; crossed: whiskers."""

    inside: Box
    dots: float
    taken: list[Box] = field(default_factory=list)
    crossed: list[Box] = field(default_factory=list)

    def place(self, width: float, height: float, point: tuple[float, float]) -> tuple[float, float]:
        """How far from `point` the middle of a name stands: where it hides least, and nearest."""
        found, least = (0.0, 0.0), math.inf
        for step in STEPS:
            for right, up in AROUND:
                x = right * (step * self.dots + width / 2)
                y = up * (step * self.dots + height / 2)
                cost = self._cost(_around((point[0] + x, point[1] + y), width / 2, height / 2))
                if cost < least:
                    found, least = (x, y), cost
        self.taken.append(
            _around((point[0] + found[0], point[1] + found[1]), width / 2, height / 2)
        )
        return found

    def _cost(self, box: Box) -> float:
        left, bottom, right, top = self.inside
        out = box[0] < left or box[1] < bottom or box[2] > right or box[3] > top
        hidden = sum(_overlap(box, other) for other in self.taken)
        return 3 * hidden + 3 * out + sum(_overlap(box, other) for other in self.crossed)
