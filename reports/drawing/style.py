"""How every figure looks, and its files: the same bytes for the same numbers.

Names are drawn as they are: nothing in them is mathematics, whatever dollars they hold.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe and Ito's palette without its yellow: told apart by every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
DASHES: tuple[Any, ...] = ("solid", (0, (6, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
HATCHES = ("", "///", "...", "xxx")
PALE = "#dddddd"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sweeper",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "hatch.linewidth": 0.5,
}
DOTS = 160  # an inch, of a PNG
LETTER = 0.075  # inches that a letter takes along, at most sizes here


@dataclass(frozen=True)
class Look:
    """How one line, or the bars of one label, are told from the others."""

    colour: str
    marker: str
    dash: Any
    hatch: str


def look(place: int) -> Look:
    """Of the line at `place`: colours first, then other markers, dashes and hatches too."""
    turn, colour = divmod(place, len(COLOURS))
    return Look(
        COLOURS[colour],
        MARKERS[place % len(MARKERS)],
        DASHES[turn % len(DASHES)],
        HATCHES[turn % len(HATCHES)],
    )


def styled() -> AbstractContextManager[None]:
    """The style, while a figure is made and written."""
    return rc_context(STYLE)


def canvas(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def files(figure: Figure) -> dict[str, bytes]:
    """The figure by the ending of its file, without dates."""
    figure.dpi = DOTS
    figure.draw_without_rendering()  # finds places for everything, once for all kinds
    figure.set_layout_engine("none")
    svg, pdf, png = io.BytesIO(), io.BytesIO(), io.BytesIO()
    # Not by savefig, which draws twice for each kind. The others change the dots an inch.
    agg: Any = FigureCanvasAgg(figure)
    agg.print_png(png, metadata={"Software": None})
    vector: Any = FigureCanvasSVG(figure)
    vector.print_svg(svg, metadata={"Date": None})
    paper: Any = FigureCanvasPdf(figure)
    paper.print_pdf(pdf, metadata={"CreationDate": None})
    return {"svg": svg.getvalue(), "pdf": pdf.getvalue(), "png": png.getvalue()}


def folded(name: str, width: int, lines: int = 3) -> str:
    """`name` in lines of at most `width` letters; what does not fit into `lines` is cut."""
    width = max(width, 4)
    found = wrap(name, width=width)
    if len(found) > lines:
        found = [*found[: lines - 1], found[lines - 1][: width - 1] + "…"]
    return "\n".join(found)


def slanted(axes: Axes) -> None:
    """Turns the names along x, where they are too long to lie beside each other."""
    for name in axes.get_xticklabels():
        name.set(rotation=40, ha="right", rotation_mode="anchor")


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> float:
    """One legend below all panels, in as many columns as fit; gives the inches that it takes."""
    if not labels:
        return 0.0
    width = float(figure.get_figwidth())
    told = [folded(label, 44) for label in labels]
    longest = max(len(line) for label in told for line in label.splitlines())
    columns = min(max(1, int(width / (LETTER * longest + 0.55))), len(told))
    figure.legend(handles, told, loc="outside lower center", ncols=columns)
    most = max(label.count("\n") + 1 for label in told)
    return math.ceil(len(told) / columns) * (0.13 * most + 0.06) + 0.1


def number(value: float) -> str:
    """A number on an axis, short: 0.5, 64, 12.3k, 1.5M."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / min(size, 1e3 if sign == 'k' else size):.3g}{sign}"
    return f"{value:g}"


def bounded(unit: str, low: float, high: float) -> tuple[float, float]:
    """The limits of an axis in `unit`, cut where no value can be: the intervals of two or three
    seeds may reach far beyond, and would leave no room for the means.
    """
    if unit.endswith("%"):
        return max(low, -2.0), min(high, 102.0)
    if unit.endswith("points"):
        return max(low, -102.0), min(high, 102.0)
    return low, high
