"""What may be said of methods across the tasks of a table: nothing from too few of them."""

from __future__ import annotations

from collections.abc import Mapping

from reports.document import Block, Paragraph, text
from reports.entry import Entry
from reports.query import Recording
from reports.table import fill
from sweeper.spec.shown import Table

LEAST = 6  # tasks; with fewer, Wilcoxon's two-sided p cannot fall below 0.05


def across_blocks(table: Table, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """Why there is no test across tasks, where there are at least two of them and two rows."""
    filled = fill(table, recording.plan, entries)
    tasks = {value for one in filled.columns for name, value in one if name == table.across}
    if not (1 < len(tasks) < LEAST and len(filled.rows) > 1):
        return []
    why = (
        f"No test across the {len(tasks)} values of {table.across}: with fewer than {LEAST} a "
        "signed-rank test cannot tell any two rows apart."
    )
    return [Paragraph(text(why), note=True)]
