"""A table of the plan, filled: rows are the labels of an axis, columns the crossed factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reports.average import Average, averages_of
from reports.column import Column, columns_of, finder
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.published import published
from reports.statistics import best, difference
from reports.value import Value, value_of
from sweeper.spec.measure import Measure, measure_of
from sweeper.spec.plan import Plan, Role
from sweeper.spec.shown import Table
from sweeper.tracking.summary import Summary

BETWEEN = " / "  # the labels that make a row


@dataclass(frozen=True)
class Row:
    """over: the values of the crossed factors that stand in the rows; role: along the axis;
    printed: the values in `over` as the published table calls them.
    """

    over: tuple[str, ...]
    role: Role
    printed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Such as 'digits / PGN'."""
        return BETWEEN.join((*self.over, self.role.label))

    @property
    def published(self) -> str:
        """What the row is called in the published table."""
        over = self.printed or self.over
        return BETWEEN.join((*over, self.role.target_row or self.role.label))


@dataclass(frozen=True)
class Slot:
    """A column, or an average over several: then `column` are the factors that these share."""

    column: Column
    average: str = ""

    @property
    def name(self) -> str:
        """Such as 'digits, embedded'; empty where nothing is crossed."""
        values = [value for _, value in self.column]
        return ", ".join([self.average, *values] if self.average else values)


Place = tuple[str, Slot]  # name of a row, and column


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
    members = [
        (role, cell) for cell in plan.cells for role in cell.roles if role.axis == table.axis
    ]
    columns = columns_of(cell for _, cell in members)
    find = finder(columns)
    rows: dict[str, Row] = {}
    found: dict[Place, Value] = {}
    for role, cell in members:
        value = value_of(entries[cell.id], table.measure)
        for column in find(cell):
            row, slot = _place(table, role, column, cell.printed)
            rows.setdefault(row.name, row)
            found[row.name, slot] = value
    inner = dict.fromkeys(_place(table, members[0][0], column)[1] for column in columns)
    ordered = _ordered(list(rows.values()), table.target)
    averages = _averages(table, [row.name for row in ordered], list(inner), found)
    found |= {(row, slot): one.value for slot, of in averages.items() for row, one in of.items()}
    slots = [*inner, *averages]
    base_labels = {role.label for role, cell in members if cell.base}
    base = base_labels.pop() if len(base_labels) == 1 else ""
    places = [(row.name, slot) for row in ordered for slot in slots]
    return Filled(
        table=table,
        rows=ordered,
        slots=slots,
        values=found,
        bold=_bold(found, ordered, slots, measure_of(table.measure)),
        changes=_changes(found, averages, ordered, slots, base) if base else {},
        base=base,
        notes=Footnotes.of(found[place].remarks for place in places if place in found),
    )


def _place(
    table: Table, role: Role, column: Column, printed: Mapping[str, str] = MappingProxyType({})
) -> tuple[Row, Slot]:
    values = dict(column)
    factors = [factor for factor in table.rows if factor in values]
    over = tuple(values[factor] for factor in factors)
    told = tuple(printed.get(factor, values[factor]) for factor in factors)
    return Row(over, role, told), Slot(tuple(pair for pair in column if pair[0] not in table.rows))


def _averages(
    table: Table, rows: Sequence[str], slots: Sequence[Slot], values: Mapping[Place, Value]
) -> dict[Slot, dict[str, Average]]:
    """Average -> row -> what it is there."""
    groups: dict[Column, dict[str, Slot]] = {}  # the other factors -> member -> its column
    for slot in slots:
        rest = tuple(pair for pair in slot.column if pair[0] != table.across)
        if rest != slot.column:
            groups.setdefault(rest, {})[dict(slot.column)[table.across]] = slot
    found: dict[Slot, dict[str, Average]] = {}
    for rest, members in groups.items():
        for name, wanted in table.averages.items():
            there = {
                row: {
                    member: values[row, members[member]]
                    for member in wanted or members
                    if member in members and (row, members[member]) in values
                }
                for row in rows
            }
            found[Slot(rest, name)] = averages_of(there, list(wanted or members))
    return found


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
            rivals = {name: value.summary for name, value in there.items() if not value.apart}
            means = {name: summary.mean for name, summary in rivals.items() if summary}
            top = (min if lower else max)(means.values(), default=0.0)
            if any(means[name] == top for name in winners):
                bold |= {(name, slot) for name in winners}
    return frozenset(bold)


def _changes(
    values: Mapping[Place, Value],
    averages: Mapping[Slot, Mapping[str, Average]],
    rows: Sequence[Row],
    slots: Sequence[Slot],
    base: str,
) -> dict[Place, Summary | None]:
    found: dict[Place, Summary | None] = {}
    for block in _blocks(rows):
        against = next((row.name for row in block if row.role.label == base), "")
        for row in block:
            for slot in slots:
                if row.name == against or not {(row.name, slot), (against, slot)} <= values.keys():
                    continue
                other = values[against, slot].scores
                if slot in averages:  # over the same members
                    other = averages[slot][against].over(averages[slot][row.name].members)
                found[row.name, slot] = difference(values[row.name, slot].scores, other)
    return found
