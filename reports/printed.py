"""The paper's own points along an axis, and whether they may stand on the same axes as ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.crossing import BETWEEN, Crossing, Slot
from reports.published import Paper, in_one, obstacles, published
from sweeper.spec.plan import Role


@dataclass(frozen=True)
class Printed:
    """One line of points as a paper prints them. outer: the labels before that of the axis.

    points: (row in the paper, label of our axis or what the row is called, value as printed).
    """

    paper: Paper
    table: str
    column: str
    outer: tuple[str, ...]
    points: Sequence[tuple[str, str, float]]

    @property
    def name(self) -> str:
        """Such as 'CIFAR100' or 'SPT-deep, CUB'."""
        return ", ".join((*self.outer, self.column))

    @property
    def source(self) -> str:
        """Such as 'PGN, Table 3a'."""
        return f"{self.paper.paper.upper()}, {self.paper.tables[self.table].source}"

    @property
    def unit(self) -> str:
        """Of its values."""
        return self.paper.tables[self.table].unit

    @property
    def task(self) -> str:
        """Our task that it was measured on; empty where it is none, as in an average."""
        return self.paper.task_of(self.table, self.column)

    def against(self, ours: Crossing, slot: Slot) -> list[str] | None:
        """Why it does not stand beside `slot`, empty if it does; None where no row is shared."""
        values = {value.casefold() for _, value in slot.column}
        if not {each.casefold() for each in self.outer} <= values:
            return None
        if slot.average:
            return ["an average over other data"]
        met = [
            obstacles(self.paper, self.table, self.column, value.entries[0].cell.config, row)
            for row, label, _ in self.points
            if (value := ours.values.get((label, slot))) is not None
        ]
        return list(dict.fromkeys(reason for each in met for reason in each)) if met else None


def printed(target: str, roles: Mapping[str, Role]) -> list[Printed]:
    """The lines of the table or figure `target`; none where there is no target."""
    if not target:
        return []
    paper, name = published(target)
    table = paper.tables[name]
    ours = {role.target_row or label: label for label, role in roles.items()}
    found: dict[tuple[tuple[str, ...], str], list[tuple[str, str, float]]] = {}
    for row, values in table.rows.items():
        *outer, inner = [row] if row in ours else row.split(BETWEEN)
        for column in paper.columns_of(name):
            value = values.get(column)
            if isinstance(value, int | float):
                point = (row, ours.get(inner, inner), float(value))
                found.setdefault((tuple(outer), column), []).append(point)
    return [
        Printed(paper, name, column, outer, points) for (outer, column), points in found.items()
    ]


def compared(lines: Sequence[Printed], ours: Crossing, slots: Sequence[Slot]) -> str:
    """Where the paper's numbers come from, and why none of them may be compared with ours."""
    found = [line.against(ours, slot) for line in lines for slot in slots]
    return heading(
        lines[0].source, [] if [] in found else [r for each in found for r in each or ()]
    )


def heading(source: str, reasons: Sequence[str]) -> str:
    """The title of the axes that the paper's numbers stand on."""
    why = in_one(reasons)
    return f"Published: {source}" + (f"; not comparable: {why}" if why else "")
