"""A table of the plan, filled: rows are the labels of an axis, columns the crossed factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.average import averages_of
from reports.crossing import BETWEEN, Crossing, Place, Row, Slot, crossing
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.published import published
from reports.statistics import best, difference
from reports.value import Value
from sweeper.spec.measure import Measure, measure_of
from sweeper.spec.plan import Plan, Role
from sweeper.spec.shown import Table
from sweeper.tracking.summary import Summary


@dataclass(frozen=True)
class Filled:
    """A table with its values. `rows` and `slots` are in print order; averages come last.

    values: of every place that the plan, or an average, holds. bold: those of them in bold.
    changes: paired difference to the base of the same block of rows, for every other row of it,
        where there is a base. None: no common seed yet.
    base: the label of the base along the axis, empty where the plan has none.
    notes: what is said below of values that carry a sign.
    """

    table: Table
    rows: Sequence[Row]
    slots: Sequence[Slot]
    values: Mapping[Place, Value]
    bold: frozenset[Place]
    changes: Mapping[Place, Summary | None]
    base: str
    notes: Footnotes

    @property
    def measure(self) -> Measure:
        """What is shown."""
        return measure_of(self.table.measure)

    @property
    def corner(self) -> str:
        """What the rows are called."""
        return BETWEEN.join((*self.table.rows, self.table.axis))

    def blocks(self) -> list[list[Row]]:
        """The rows that share the values of the crossed factors in the rows."""
        return _blocks(self.rows)


def fill(table: Table, plan: Plan, entries: Mapping[str, Entry]) -> Filled:
    """Arranges the cells that have a role along the table's axis."""
    ours = crossing(table, plan, entries, averages_of, over=table.rows)
    rows, found = _ordered(ours.rows, table.target), ours.values
    bases = [role for cell in plan.cells if cell.base for role in cell.roles]
    labels = {role.label for role in bases if role.axis == table.axis}
    base = labels.pop() if len(labels) == 1 else ""
    places = [(row.name, slot) for row in rows for slot in ours.slots]
    return Filled(
        table=table,
        rows=rows,
        slots=ours.slots,
        values=found,
        bold=_bold(found, rows, ours.slots, measure_of(table.measure)),
        changes=_changes(ours, rows, base) if base else {},
        base=base,
        notes=Footnotes.of(found[place].remarks for place in places if place in found),
    )


def _blocks(rows: Sequence[Row]) -> list[list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(row.over, []).append(row)
    return list(found.values())


def _ordered(rows: Sequence[Row], target: str) -> list[Row]:
    """Block by block; in each by number where all are numbers, else as published, else as in the
    sweep file.

    Blocks too are as published, where there is a target.
    """
    paper, name = published(target) if target else (None, "")
    printed = list(paper.tables[name].rows) if paper else []
    rank = {row: place for place, row in enumerate(printed)}

    def place(row: Row) -> int:
        return rank.get(row.published, len(rank))

    numbers = all(
        isinstance(row.role.value, int | float) and not isinstance(row.role.value, bool)
        for row in rows
    )
    blocks = sorted(_blocks(rows), key=lambda block: min(map(place, block)))
    if numbers:
        return [row for block in blocks for row in sorted(block, key=lambda r: _number(r.role))]
    return [r for block in blocks for r in sorted(block, key=lambda r: (place(r), r.role.place))]


def _number(role: Role) -> float:
    return float(role.value or 0)


def _bold(
    values: Mapping[Place, Value], rows: Sequence[Row], slots: Sequence[Slot], measure: Measure
) -> frozenset[Place]:
    if not measure.better:
        return frozenset()
    lower = measure.better == "lower"
    bold: set[Place] = set()
    for slot in slots:
        for block in _blocks(rows):
            there = {r.name: values[r.name, slot] for r in block if (r.name, slot) in values}
            winners = best({n: v.scores for n, v in there.items() if v.sound}, lower=lower)
            means = {n: v.mean for n, v in there.items() if v.summary and not v.apart}
            top = (min if lower else max)(means.values(), default=0.0)
            if any(means[name] == top for name in winners):
                bold |= {(name, slot) for name in winners}
    return frozenset(bold)


def _changes(ours: Crossing, rows: Sequence[Row], base: str) -> dict[Place, Summary | None]:
    found: dict[Place, Summary | None] = {}
    values, averages = ours.values, ours.averages
    for block in _blocks(rows):
        against = next((row.name for row in block if row.role.label == base), "")
        for row in block:
            for slot in ours.slots:
                if row.name == against or not {(row.name, slot), (against, slot)} <= values.keys():
                    continue
                other = values[against, slot].scores
                if slot in averages:  # over the same members
                    other = averages[slot][against].over(averages[slot][row.name].members)
                found[row.name, slot] = difference(values[row.name, slot].scores, other)
    return found
