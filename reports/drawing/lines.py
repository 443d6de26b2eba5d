"""Lines over a setting, in panels: ours with bands, a paper's own with hollow markers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.drawing.style import (
    LETTER,
    PALE,
    Look,
    bounded,
    canvas,
    files,
    folded,
    legend,
    look,
    number,
    slanted,
    styled,
)

GREY = "#555555"
ACROSS = 4  # panels beside each other, at most


@dataclass(frozen=True)
class Stroke:
    """A line: x rising; y NaN is a gap; half: of the interval, NaN where there is none.

    alike: the place in the legend whose colour and marker it has. hollow: of a paper.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    half: Sequence[float]
    alike: int
    hollow: bool = False


@dataclass(frozen=True)
class Pane:
    """One pair of axes. levels: name, height and `alike` (-1: grey) of dashed lines across it."""

    title: str
    strokes: Sequence[Stroke]
    levels: Sequence[tuple[str, float, int]]
    unit: str  # label of the axis y


@dataclass(frozen=True)
class Ruler:
    """The axis x of all panes. names: of labels at 0, 1, ..., where it is not of numbers.

    ticks: where numbers stand on it.
    """

    label: str
    log: bool
    base: int = 2
    names: Sequence[str] = ()
    ticks: Sequence[float] = ()


def draw_lines(panes: Sequence[Pane], ruler: Ruler) -> dict[str, bytes]:
    """The picture by the ending of its file."""
    along = min(len(panes), ACROSS if len(panes) > 4 else 2)
    down = math.ceil(len(panes) / along)
    wide, high = (3.0, 2.3) if along > 2 else (4.6, 3.1)
    high += 0.7 if any(len(name) > wide / len(ruler.names) / LETTER for name in ruler.names) else 0
    with styled():
        figure = canvas(wide * along, high * down)
        grid = figure.subplots(down, along, squeeze=False).ravel()
        shown: dict[str, Line2D] = {}
        for place, (axes, pane) in enumerate(zip(grid, panes, strict=False)):
            _pane(axes, pane, shown, wide)
            _ruled(axes, ruler, wide - 0.8, titled=place + along >= len(panes))
            if place % along == 0 or pane.unit != panes[0].unit:
                axes.set_ylabel(folded(pane.unit, 34))
        for axes in grid[len(panes) :]:
            axes.remove()
        extra = legend(figure, [*shown.values()], [*shown])
        figure.set_figheight(high * down + extra)
        return files(figure)


def _pane(axes: Axes, pane: Pane, shown: dict[str, Line2D], wide: float) -> None:
    axes.set_title(folded(pane.title, int(wide / LETTER * 0.86), lines=5))
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    many = len(pane.strokes) > 7
    for stroke in pane.strokes:
        own = look(stroke.alike)
        (line,) = axes.plot(
            stroke.x,
            stroke.y,
            color=own.colour,
            marker=own.marker,
            linestyle=":" if stroke.hollow else own.dash,
            linewidth=1.0 if stroke.hollow else 1.4,
            markersize=5.5 if stroke.hollow else 4.5,
            markerfacecolor="white" if stroke.hollow else own.colour,
            zorder=3 if stroke.hollow else 2.5,
        )
        shown.setdefault(stroke.name, line)
        _spread(axes, stroke, own, 0.08 if many else 0.16)
    for name, height, alike in pane.levels:
        colour = GREY if alike < 0 else look(alike).colour
        level = axes.axhline(height, color=colour, linestyle=(0, (4, 3)), linewidth=1.0)
        shown.setdefault(name, level)
    axes.set_ylim(*bounded(pane.unit, *axes.get_ylim()))


def _spread(axes: Axes, stroke: Stroke, own: Look, alpha: float) -> None:
    """The band of the intervals, and whiskers where a point stands alone."""
    low = [y - half for y, half in zip(stroke.y, stroke.half, strict=True)]
    high = [y + half for y, half in zip(stroke.y, stroke.half, strict=True)]
    axes.fill_between(stroke.x, low, high, color=own.colour, alpha=alpha, linewidth=0)
    there = [not math.isnan(value) for value in low]
    beside = [*(a and b for a, b in pairwise(there)), False]
    for place, here in enumerate(there):
        if here and not beside[place] and not (place and beside[place - 1]):
            x, y, half = stroke.x[place], stroke.y[place], stroke.half[place]
            axes.errorbar([x], [y], yerr=[half], color=own.colour, capsize=2.5, linewidth=1.0)


def _ruled(axes: Axes, ruler: Ruler, inches: float, titled: bool) -> None:
    if ruler.names:
        _named(axes, ruler.names, inches)
    else:
        if ruler.log:
            axes.set_xscale("log", base=ruler.base)
        ticks = _apart(ruler, inches)
        axes.set_xticks(ticks, [number(tick) for tick in ticks])
        axes.minorticks_off()
        if ruler.ticks:
            _room(axes, ruler)
    if titled:
        scale = " (log scale)" if ruler.log and not ruler.names else ""
        axes.set_xlabel(folded(f"{ruler.label}{scale}", int(inches / LETTER)))


def _room(axes: Axes, ruler: Ruler) -> None:
    """The same x for all panes, with some room on both sides."""
    low, high = min(ruler.ticks), max(ruler.ticks)
    if ruler.log:
        factor = (high / low) ** 0.05 if high > low else 2.0
        axes.set_xlim(low / factor, high * factor)
    else:
        room = 0.05 * (high - low) or 1.0
        axes.set_xlim(low - room, high + room)


def _apart(ruler: Ruler, inches: float) -> list[float]:
    """Those of the ticks, from the left, whose numbers do not touch."""
    place = math.log if ruler.log else float
    ticks = sorted(set(ruler.ticks))
    if len(ticks) < 2:
        return ticks
    step = inches / 1.1 / (place(ticks[-1]) - place(ticks[0]))
    kept: list[float] = []
    for tick in ticks:
        gap = LETTER * (len(number(tick)) + len(number(kept[-1])) + 1) / 2 if kept else 0
        if not kept or (place(tick) - place(kept[-1])) * step >= gap:
            kept.append(tick)
    return kept


def _named(axes: Axes, names: Sequence[str], inches: float) -> None:
    """A place for each label: level where they fit, else slanted."""
    slot = int(inches / len(names) / LETTER)
    level = all(len(word) <= slot for name in names for word in name.split()) and slot >= 3
    told = [folded(name, slot) if level else folded(name, 24, lines=1) for name in names]
    axes.set_xticks(range(len(names)), told, fontsize=8)
    if not level:
        slanted(axes)
    axes.set_xlim(-0.5, len(names) - 0.5)
