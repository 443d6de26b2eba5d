"""The cells along one axis of a sweep: rows with its labels, columns of its crossed factors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reports.average import Average, Rows
from reports.column import Column, columns_of, finder
from reports.entry import Entry
from reports.value import Value, value_of
from sweeper.spec.plan import Plan, Role
from sweeper.spec.shown import Curve, Figure, Table

BETWEEN = " / "  # the labels that make a row
Averaging = Callable[[Rows, Sequence[str]], Mapping[str, Average]]


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

    def value(self, factor: str) -> str:
        """The value of a factor; empty where there is none."""
        return dict(self.column).get(factor, "")

    def without(self, factor: str) -> Column:
        """The other factors."""
        return tuple(pair for pair in self.column if pair[0] != factor)


Place = tuple[str, Slot]  # name of a row, and column


@dataclass(frozen=True)
class Crossing:
    """rows: in the order of the plan; slots: the columns, then the averages.

    values: what stands in each place; averages: slot -> name of a row -> how it came about.
    """

    across: str
    rows: Sequence[Row]
    slots: Sequence[Slot]
    values: Mapping[Place, Value]
    averages: Mapping[Slot, Mapping[str, Average]]

    @property
    def roles(self) -> dict[str, Role]:
        """Label of the axis -> its role, in the order of the sweep file."""
        roles = {row.role.label: row.role for row in self.rows}
        return dict(sorted(roles.items(), key=lambda each: each[1].place))

    @property
    def singles(self) -> list[Slot]:
        """The columns that are no averages."""
        return [slot for slot in self.slots if not slot.average]

    def columns(self, slot: Slot) -> list[Column]:
        """Those that a slot is over."""
        if not slot.average:
            return [slot.column]
        members = max((each.members for each in self.averages[slot].values()), key=len, default=())
        return [tuple(sorted((*slot.column, (self.across, member)))) for member in members]


def crossing(
    shown: Table | Curve | Figure,
    plan: Plan,
    entries: Mapping[str, Entry],
    averaging: Averaging,
    *,
    measure: str = "",
    over: Sequence[str] = (),
    among: Sequence[str] = (),
    but: str = "",
) -> Crossing:
    """Arranges the cells that have a role along the axis of `shown`.

    measure: if not that of `shown`. over: the crossed factors that stand in the rows. among: the
    labels whose averages stand beside each other, empty for all. but: see `value_of`.
    """
    members = [
        (role, cell) for cell in plan.cells for role in cell.roles if role.axis == shown.axis
    ]
    columns = columns_of(cell for _, cell in members)
    find = finder(columns)
    rows: dict[str, Row] = {}
    found: dict[Place, Value] = {}
    for role, cell in members:
        value = value_of(entries[cell.id], measure or shown.measure, but)
        for column in find(cell):
            row = _row(over, role, column, cell.printed)
            rows.setdefault(row.name, row)
            found[row.name, _slot(over, column)] = value
    slots = list(dict.fromkeys(_slot(over, column) for column in columns))
    beside = [name for name, row in rows.items() if not among or row.role.label in among]
    averages = _averages(shown, beside, slots, found, averaging)
    found |= {(row, slot): one.value for slot, of in averages.items() for row, one in of.items()}
    return Crossing(shown.across, list(rows.values()), [*slots, *averages], found, averages)


def _row(over: Sequence[str], role: Role, column: Column, printed: Mapping[str, str]) -> Row:
    values = {factor: value for factor, value in column if factor in over}
    factors = [factor for factor in over if factor in values]
    told = tuple(printed.get(factor, values[factor]) for factor in factors)
    return Row(tuple(values[factor] for factor in factors), role, told)


def _slot(over: Sequence[str], column: Column) -> Slot:
    return Slot(tuple(pair for pair in column if pair[0] not in over))


def _averages(
    shown: Table | Curve | Figure,
    rows: Sequence[str],
    slots: Sequence[Slot],
    values: Mapping[Place, Value],
    averaging: Averaging,
) -> dict[Slot, Mapping[str, Average]]:
    """Each average with each combination of the other factors. A member that has no column there
    is one that no row has.
    """
    groups: dict[Column, dict[str, Slot]] = {}  # the other factors -> member -> its column
    for slot in slots:
        if member := slot.value(shown.across):
            groups.setdefault(slot.without(shown.across), {})[member] = slot
    every = dict.fromkeys(member for members in groups.values() for member in members)
    found = {}
    for rest, members in groups.items():
        there = {
            row: {m: values[row, slot] for m, slot in members.items() if (row, slot) in values}
            for row in rows
        }
        for name, wanted in shown.averages.items():
            found[Slot(rest, name)] = averaging(there, wanted or tuple(every))
    return found


def names_of(slots: Sequence[Slot], but: Sequence[str] = ()) -> list[str]:
    """What tells each slot from the others: values of the factors that vary among them."""
    keys = [{k: v for k, v in slot.column if k not in but} for slot in slots]
    varying = [
        factor
        for factor in dict.fromkeys(factor for key in keys for factor in key)
        if len({key.get(factor) for key in keys}) > 1
    ]
    return [", ".join(v for k, v in key.items() if not varying or k in varying) for key in keys]
