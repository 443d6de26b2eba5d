"""Bars in groups, lying: a name of any length stands beside its bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.drawing.style import (
    LETTER,
    PALE,
    bounded,
    canvas,
    files,
    folded,
    legend,
    look,
    styled,
)

WIDE = 5.2  # inches of one chart
BAR = 0.17  # inches of one bar


@dataclass(frozen=True)
class Chart:
    """Groups from top to bottom, with a bar for each of `bars` in each of them.

    values: (group, bar) -> (value, half width of its interval, NaN where it has none).
    pale: of a paper.
    """

    title: str
    groups: Sequence[str]
    bars: Sequence[str]
    values: Mapping[tuple[str, str], tuple[float, float]]
    unit: str
    pale: bool = False


def draw_bars(charts: Sequence[Chart]) -> dict[str, bytes]:
    """The picture by the ending of its file; charts stand beside each other."""
    names = [*dict.fromkeys(name for chart in charts for name in chart.bars)]
    rows = max(len(chart.groups) * (len(chart.bars) + 0.8) for chart in charts)
    high = max(1.3, rows * BAR) + 0.9
    with styled():
        figure = canvas(WIDE * len(charts), high)
        shown: dict[str, object] = {}
        for axes, chart in zip(
            figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True
        ):
            for name, handle in _chart(axes, chart, names).items():
                shown.setdefault(name, handle)
        extra = legend(figure, [*shown.values()], [*shown]) if len(names) > 1 else 0.0
        figure.set_figheight(high + extra)
        return files(figure)


def _chart(axes: Axes, chart: Chart, names: Sequence[str]) -> dict[str, object]:
    axes.set_title(folded(chart.title, int(WIDE / LETTER * 0.86), lines=5))
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    slots = len(chart.bars) + 0.8
    shown: dict[str, object] = {}
    for at, bar in enumerate(chart.bars):
        own = look(names.index(bar))
        places = [
            (place * slots + at, *chart.values[group, bar])
            for place, group in enumerate(chart.groups)
            if (group, bar) in chart.values
        ]
        drawn = axes.barh(
            [y for y, _, _ in places],
            [value for _, value, _ in places],
            height=0.86,
            color="white" if chart.pale else own.colour,
            edgecolor=own.colour if chart.pale else "white",
            linewidth=1.0 if chart.pale else 0.3,
            hatch=own.hatch,
        )
        shown[bar] = drawn
        _whiskers(axes, places)
    axes.axvline(0, color="black", linewidth=0.8)
    middle = (len(chart.bars) - 1) / 2
    axes.set_yticks(
        [place * slots + middle for place in range(len(chart.groups))],
        [folded(group, 26, lines=2) for group in chart.groups],
        fontsize=8,
    )
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(chart.groups) * slots - 0.9, -0.9)  # the first group is on top
    axes.set_xlim(*bounded(chart.unit, *axes.get_xlim()))
    axes.set_xlabel(folded(chart.unit, int(WIDE / LETTER * 0.8)))
    return shown


def _whiskers(axes: Axes, places: Sequence[tuple[float, float, float]]) -> None:
    known = [place for place in places if not math.isnan(place[2])]
    axes.errorbar(
        [value for _, value, _ in known],
        [y for y, _, _ in known],
        xerr=[half for _, _, half in known],
        fmt="none",
        ecolor="#333333",
        elinewidth=0.9,
        capsize=2,
    )
