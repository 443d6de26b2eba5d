"""How the tables of a report are read."""

from __future__ import annotations

from reports.document import Block, Paragraph, text
from sweeper.spec.plan import Plan

ENTRY = """\
How to read an entry: mean top-1 in percent ± half width of the 95 % Student-t interval over seeds
(number of finished seeds). One seed has no interval. † fewer finished seeds than this sweep asks
for ({min_seeds}). det.: deterministic, one trial, no interval. failed, diverged, running,
missing: that many trials of the cell ended so, have not ended, or have no run in the store.
skipped: the backbone cannot carry it. —: not part of this sweep. trainable: number of parameters
that are trained, of each column where they differ. ¹ and its like: what stands below the table."""

BOLD = """\
Bold: in each column the highest mean, and every entry whose paired difference to it (on common
seeds) has a 95 % interval that contains zero. An entry with † or with diverged trials is not in
bold, and where it has the highest mean, nothing in its column is. An entry under another protocol
than the base's is never in bold and does not keep others from it."""


def legend_blocks(plan: Plan) -> list[Block]:
    """The marks and rules of the tables of `plan`; empty where it has none."""
    if not plan.tables:
        return []
    told = (ENTRY.format(min_seeds=plan.min_seeds), BOLD)
    return [Paragraph(text(" ".join(each.split())), note=True) for each in told]
