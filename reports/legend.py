"""How the tables of a report are read: the marks and rules that they use."""

from __future__ import annotations

from reports.document import Block, Paragraph, text
from reports.published import published
from reports.verdict import OTHER_UNITS, RULE
from sweeper.spec.measure import measure_of
from sweeper.spec.plan import Plan

ENTRY = """\
How to read an entry: mean ± half width of the 95 % Student-t interval over seeds (number of
finished seeds). One seed has no interval. det.: deterministic, one trial, no interval. skipped: the
backbone cannot carry it. —: not part of this sweep. What follows an entry, such as 'failed 1', are
trials of it that are not in its mean. ¹ and its like: what stands below the table."""

TRAINABLE = """\
trainable: number of parameters that are trained, of each column where they differ."""

BOLD = """\
Bold: among the entries of one column, in each block of rows, the {best}, and every entry whose
paired difference to it (on common seeds) has a 95 % interval that contains zero. An entry with † or
with diverged trials is not in bold, and where it has the {best}, nothing there is. An entry under
another protocol than the base's is never in bold and does not keep others from it. A wide table
stands on its side; there, read row for column."""

AVERAGES = """\
Averages: per seed the mean over their members, each counting the same whatever its size, then over
seeds. A row that lacks a member is averaged over those that all rows have, and says so; it is
then not compared in bold with rows that lack none. Its change is against the base over the same
members."""

PLAIN = "No direction of {measures} is the better one: nothing there is in bold."
WALL = "Seconds are those of the machines that this sweep ran on, and of no others."


def legend_blocks(plan: Plan) -> list[Block]:
    """The rules of the tables of `plan`; empty where it has none."""
    if not plan.tables:
        return []
    measures = {table.measure: measure_of(table.measure) for table in plan.tables}
    told = [ENTRY]
    if set(measures) != {"trainable_parameters"}:
        told.append(TRAINABLE)
    ends = {
        "highest mean": any(each.better == "higher" for each in measures.values()),
        "lowest mean": any(each.better == "lower" for each in measures.values()),
    }
    if any(ends.values()):
        told.append(BOLD.format(best=" or ".join(end for end, used in ends.items() if used)))
    plain = [each.label for each in measures.values() if not each.better]
    if plain:
        told.append(PLAIN.format(measures=" and of ".join(plain)))
    if any(table.averages for table in plan.tables):
        told.append(AVERAGES)
    if any(each.unit == "s" for each in measures.values()):
        told.append(WALL)
    units = _units(plan)
    if units:
        told.append(RULE)
    if units - {"percent"}:
        told.append(OTHER_UNITS)
    return [Paragraph(text(" ".join(each.split())), note=True) for each in told]


def _units(plan: Plan) -> set[str]:
    """Those of the published tables that stand beside ours."""
    found: set[str] = set()
    for table in plan.tables:
        if table.target:
            paper, name = published(table.target)
            found.add(paper.tables[name].unit)
    return found
