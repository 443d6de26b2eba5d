"""How every figure looks, and its files: the same bytes for the same figure."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart by every kind of colour vision; a marker each besides.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
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
UNDATED: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}


def files_of(figure: Figure) -> dict[str, bytes]:
    """Ending -> the bytes of the figure."""
    found = {}
    for kind, metadata in UNDATED.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
        found[kind] = buffer.getvalue()
    return found


def literal(name: str) -> str:
    """`name` as it stands, where matplotlib would read dollar signs as mathematics."""
    return name.replace("$", r"\$")
