"""A figure of the plan: bars, points, a heat map, or what analyses of the trials drew."""

from __future__ import annotations

from collections.abc import Mapping

from reports.analysis import analysis_blocks
from reports.bars import bars_blocks
from reports.document import Block, Heading, Paragraph, text
from reports.entry import Entry
from reports.heatmap import heatmap_blocks
from reports.query import Recording
from reports.scatter import scatter_blocks
from sweeper.spec.shown import Figure

KINDS = {"bars": bars_blocks, "heatmap": heatmap_blocks, "scatter": scatter_blocks}
NOTHING = "Nothing to draw yet: too little of what it shows has finished."


def figure_blocks(
    figure: Figure, recording: Recording, entries: Mapping[str, Entry]
) -> list[Block]:
    """The section of one figure, with the numbers behind it."""
    if figure.kind == "analysis":
        return analysis_blocks(figure, recording, entries)
    blocks = KINDS[figure.kind](figure, recording, entries)
    return [Heading(3, figure.title), *(blocks or [Paragraph(text(NOTHING))])]
