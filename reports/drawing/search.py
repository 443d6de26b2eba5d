"""The pictures of a search: accuracy against cost with its front, and parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import EngFormatter, NullFormatter

from reports.drawing.style import COLOURS, PALE, canvas, files, legend, styled

SHADES = colormaps["viridis"]  # told apart by every kind of colour vision, and in grey
FAINT = "#bbbbbb"
DECADES = 30  # costs further apart than this factor are shown on a logarithmic axis


@dataclass(frozen=True)
class Costs:
    """Finished trials against one cost: (accuracy in percent, cost), and the places of the front.

    names: what each place of the front is called in the table beside, such as '1'.
    """

    label: str
    points: Sequence[tuple[float, float]]
    front: Sequence[int]
    names: Sequence[str]


@dataclass(frozen=True)
class Axle:
    """One parameter of a parallel plot. labels: of a choice, in order; log: of a number."""

    name: str
    labels: Sequence[str] = ()
    log: bool = False


def draw_fronts(panels: Sequence[Costs]) -> dict[str, bytes]:
    """One panel for each cost, all with one accuracy axis."""
    with styled():
        figure = canvas(4.4 * len(panels), 3.6)
        found = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, panel in zip(found, panels, strict=True):
            _front(axes, panel)
        found[0].set_ylabel("val top-1, %")
        handles, labels = found[0].get_legend_handles_labels()
        figure.set_figheight(3.6 + legend(figure, handles, labels))
        return files(figure)


def _front(axes: Axes, panel: Costs) -> None:
    best = [panel.points[place] for place in panel.front]
    axes.plot(
        [cost for _, cost in panel.points],
        [accuracy for accuracy, _ in panel.points],
        "o",
        color=FAINT,
        markersize=4.5,
        label="trained to the end",
    )
    axes.plot(
        [cost for _, cost in best],
        [accuracy for accuracy, _ in best],
        "D-",
        color=COLOURS[0],
        drawstyle="steps-post",
        markersize=5.5,
        linewidth=1.4,
        label="front",
    )
    for (accuracy, cost), name in zip(best, panel.names, strict=True):
        axes.annotate(name, (cost, accuracy), (0, 6), textcoords="offset points", ha="center")
    costs = [cost for _, cost in panel.points]
    if min(costs) > 0 and max(costs) > DECADES * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(0.08, 0.14)
    axes.set_xlabel(panel.label)
    axes.grid(axis="y", color=PALE, linewidth=0.6)


def draw_parallel(
    axles: Sequence[Axle],
    trials: Sequence[tuple[Mapping[str, Any], float]],
    stopped: Sequence[Mapping[str, Any]],
) -> dict[str, bytes]:
    """A line a trial through its settings, coloured by its accuracy in percent; what was stopped
    early is faint. The better a trial, the later its line is drawn.
    """
    with styled():
        width = max(5.0, 1.5 * len(axles) + 1.5)
        figure = canvas(width, 3.8)
        axes = figure.subplots()
        every = [*(settings for settings, _ in trials), *stopped]
        for settings in stopped:
            axes.plot(*_line(axles, settings, every), color=FAINT, linewidth=0.7, alpha=0.7)
        scores = [score for _, score in trials]
        shade = Normalize(min(scores), max(scores))
        for settings, score in sorted(trials, key=lambda each: each[1]):
            line = _line(axles, settings, every)
            axes.plot(*line, color=SHADES(shade(score)), linewidth=1.6, marker=".", markersize=5)
        for place, axle in enumerate(axles):
            _rule(axes, place, axle, every)
        axes.set_xlim(-0.15, len(axles) - 0.5)
        axes.set_ylim(-0.06, 1.06)
        axes.set_xticks(range(len(axles)), [axle.name for axle in axles])
        axes.tick_params(length=0)
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
        bar = figure.colorbar(ScalarMappable(shade, SHADES), ax=axes, fraction=0.05, pad=0.01)
        bar.set_label("val top-1, %")
        return files(figure)


def _line(
    axles: Sequence[Axle], settings: Mapping[str, Any], every: Sequence[Mapping[str, Any]]
) -> tuple[list[int], list[float]]:
    """Places and heights of a trial; a gap where it has no such setting."""
    heights = [_height(axle, settings.get(axle.name), every) for axle in axles]
    return list(range(len(axles))), heights


def _height(axle: Axle, value: Any, every: Sequence[Mapping[str, Any]]) -> float:
    if value is None:
        return math.nan
    if axle.labels:
        return _share(axle.labels.index(str(value)), 0, len(axle.labels) - 1)
    low, high = _range(axle, every)
    own = math.log(value) if axle.log else float(value)
    return _share(own, *((math.log(low), math.log(high)) if axle.log else (low, high)))


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _range(axle: Axle, every: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    values = [float(each[axle.name]) for each in every if each.get(axle.name) is not None]
    return min(values), max(values)


def _rule(axes: Axes, place: int, axle: Axle, every: Sequence[Mapping[str, Any]]) -> None:
    axes.axvline(place, color="#333333", linewidth=0.8)
    if axle.labels:
        last = len(axle.labels) - 1
        marks = [(_share(n, 0, last), label) for n, label in enumerate(axle.labels)]
    else:
        low, high = _range(axle, every)
        middle = math.sqrt(low * high) if axle.log else (low + high) / 2
        if all(isinstance(each.get(axle.name), int) for each in every):
            middle = round(middle)
        values = dict.fromkeys((low, middle, high))
        marks = [(_height(axle, value, every), f"{value:.3g}") for value in values]
    for height, label in marks:
        axes.text(
            place + 0.04,
            height,
            label,
            fontsize=7.5,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        )
