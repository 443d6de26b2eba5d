"""A report from top to bottom, as blocks; how they are written is the business of the formats."""

from __future__ import annotations

from collections.abc import Mapping

from reports.across import across_blocks
from reports.curve import curve_blocks
from reports.document import Block, Heading, told_apart
from reports.entry import Entry
from reports.figure import figure_blocks
from reports.footer import footer_blocks, lost_blocks
from reports.header import header_blocks
from reports.incidents import incident_blocks
from reports.legend import legend_blocks
from reports.order import order_blocks
from reports.parts import parts_blocks
from reports.query import Recording
from reports.search import search_blocks
from reports.settings import settings_blocks
from reports.table import table_blocks


def report_blocks(recording: Recording, found: Mapping[str, Entry]) -> list[Block]:
    """The whole report. found: the entries of the recording."""
    plan = recording.plan
    blocks = [*header_blocks(recording), *settings_blocks(plan, recording.trials)]
    if plan.tables:
        blocks += [Heading(2, "Tables"), *legend_blocks(plan)]
    for table in plan.tables:
        blocks += table_blocks(table, recording, found)
        blocks += across_blocks(table, recording, found)
    if plan.curves:
        blocks.append(Heading(2, "Curves"))
    for curve in plan.curves:
        blocks += curve_blocks(curve, recording, found)
    if plan.figures:
        blocks.append(Heading(2, "Figures"))
    for figure in plan.figures:
        blocks += figure_blocks(figure, recording, found)
    blocks += parts_blocks(recording, found)
    blocks += order_blocks(recording, found)
    blocks += search_blocks(recording)
    blocks += [*lost_blocks(recording), *incident_blocks(recording), *footer_blocks(recording)]
    return told_apart(blocks)
