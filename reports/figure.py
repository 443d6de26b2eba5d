"""A figure of the plan: bars, points, or a heat map, with the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping

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
    """The section of one figure."""
    blocks = KINDS[figure.kind](figure, recording, entries)
    return [Heading(3, figure.title), *(blocks or [Paragraph(text(NOTHING))])]
