"""The figures of a report, in SVG, PDF and PNG; the same bytes for the same points."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.column import columns_of, stands_in
from reports.curve import Drawn
from reports.document import Block, Grid, Heading, text
from reports.entry import Entry
from reports.query import Recording
from sweeper.spec import shown

# Okabe and Ito's palette, told apart by every kind of colour vision; a marker each besides.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sweeper",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


def draw(drawn: Drawn, axis_label: str) -> tuple[bytes, bytes]:
    """The figure as (SVG, PNG); the same bytes for the same points."""
    files = pictures(drawn, axis_label)
    return files["svg"], files["png"]


def pictures(drawn: Drawn, axis_label: str) -> dict[str, bytes]:
    """The figure by the ending of its file; the same bytes for the same points.

    Ours on the left with its own scale, the published one on the right with its own: other
    data and another backbone are to be compared in shape, not in value.
    """
    with rc_context(STYLE):
        panels = 2 if drawn.beside else 1
        figure = Figure(figsize=(4.6 * panels, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, panels, squeeze=False)[0]
        _ours(axes[0], drawn)
        ticks = sorted({x for line in drawn.lines for x, _ in line.points})
        _finish(axes[0], ticks, axis_label)
        if drawn.beside:
            _published(axes[1], drawn)
            _finish(axes[1], sorted({x for p in drawn.beside.values() for x, _ in p}), axis_label)
        kinds = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
        return {kind: _bytes(figure, kind, metadata) for kind, metadata in kinds.items()}


def _ours(axes: Axes, drawn: Drawn) -> None:
    axes.set_title("This sweep: mean and 95 % t-interval over seeds\n")
    for place, line in enumerate(drawn.lines):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        label = ", ".join(value for _, value in line.column) or "top-1"
        told = "\n".join([label, *wrap("; ".join(line.remarks), width=44)])
        x = [setting for setting, _ in line.points]
        y = [100 * summary.mean for _, summary in line.points]
        # One seed has no interval: the band has a gap there, not a width of zero.
        half = [100 * (math.nan if s.ci95 is None else s.ci95) for _, s in line.points]
        axes.plot(x, y, color=colour, marker=marker, markersize=4.5, linewidth=1.4, label=told)
        low = [mean - width for mean, width in zip(y, half, strict=True)]
        high = [mean + width for mean, width in zip(y, half, strict=True)]
        axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
        if line.zero_shot is not None:
            axes.axhline(
                100 * line.zero_shot,
                color=colour,
                linestyle=(0, (4, 3)),
                linewidth=1.0,
                label=f"{label}: zero-shot (TP)",
            )


def _published(axes: Axes, drawn: Drawn) -> None:
    axes.set_title(drawn.beside_title)
    for place, (name, points) in enumerate(drawn.beside.items()):
        marker = MARKERS[place % len(MARKERS)]
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color="#555555",
            linestyle=":",
            linewidth=1.0,
            marker=marker,
            markersize=5.5,
            markerfacecolor="white",
            label=name,
        )


def _finish(axes: Axes, ticks: Sequence[float], label: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(f"{label} (log scale)")
    axes.set_ylabel("top-1 accuracy, %")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8)


def _bytes(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()


def figure_blocks(
    figure: shown.Figure, recording: Recording, entries: Mapping[str, Entry]
) -> list[Block]:
    """The section of one figure: the numbers behind it, in percent."""
    cells = recording.plan.cells
    members = [(role, cell) for cell in cells for role in cell.roles if role.axis == figure.axis]
    columns = columns_of(cell for _, cell in members)
    rows = []
    for role, cell in members:
        summary = entries[cell.id].summary
        value = f"{100 * summary.mean:.1f}" if summary else ""
        told = [value if stands_in(cell, column) else "" for column in columns]
        rows.append([text(role.label), *map(text, told)])
    names = [", ".join(value for _, value in column) or "top-1" for column in columns]
    headers = [text(figure.axis), *map(text, names)]
    return [Heading(3, figure.title), Grid(headers, rows, name=f"figure_{figure.id}")]
