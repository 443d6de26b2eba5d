"""The published values of a table's rows, and how ours compare where they are of the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.crossing import Place, Row, Slot
from reports.filled import Filled
from reports.published import Paper, PublishedTable, obstacles, published
from reports.value import Value
from reports.verdict import Compared, compare

Printed = int | float | str
ROUNDING = 0.1  # points by which an average may differ from that of the rounded values


@dataclass(frozen=True)
class Beside:
    """The published table `name` of a paper beside ours.

    columns: the published ones, in the paper's order; matched: ours -> the published one that is
        of the same task, or called the same.
    values: (row of ours, published column) -> as printed.
    compared: place of ours -> the published value there and the verdict on it.
    errata: (row of ours, published column) -> what is wrong in the paper about that value; of
        the whole row the column is empty.
    obstacles: why the columns of ours that match none are not comparable, each once.
    """

    paper: Paper
    name: str
    columns: Sequence[str]
    matched: Mapping[Slot, str]
    values: Mapping[tuple[str, str], Printed]
    compared: Mapping[Place, Compared]
    errata: Mapping[tuple[str, str], tuple[str, ...]]
    obstacles: Sequence[str]

    @property
    def table(self) -> PublishedTable:
        """The published table."""
        return self.paper.tables[self.name]

    @property
    def unmatched(self) -> list[str]:
        """The published columns that none of ours is of."""
        return [column for column in self.columns if column not in self.matched.values()]


def beside(filled: Filled) -> Beside | None:
    """What was published of the rows of a table; None where it has no target."""
    if not filled.table.target:
        return None
    paper, name = published(filled.table.target)
    table, columns = paper.tables[name], paper.columns_of(name)
    matched = _matched(filled, paper, name, columns)
    values: dict[tuple[str, str], Printed] = {}
    errata: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in filled.rows:
        for column, printed in table.rows.get(row.published, {}).items():
            values[row.name, column] = printed
        for each in table.errors:
            if each.row == row.published:
                before = errata.get((row.name, each.column), ())
                errata[row.name, each.column] = (*before, each.text)
    compared = {}
    for row in filled.rows:
        for slot, column in matched.items():
            found, value = values.get((row.name, column)), filled.values.get((row.name, slot))
            if isinstance(found, int | float) and value is not None and not value.skip:
                why = _obstacles(paper, name, column, row, slot, value)
                compared[row.name, slot] = compare(
                    value, float(found), table.unit, filled.measure, why
                )
    others = _others(filled, paper, name, matched)
    return Beside(paper, name, columns, matched, values, compared, errata, others)


def _matched(filled: Filled, paper: Paper, name: str, columns: Sequence[str]) -> dict[Slot, str]:
    tasks = {paper.task_of(name, column): column for column in columns}
    tasks.pop("", None)
    called = {column.casefold(): column for column in columns if not paper.task_of(name, column)}
    found = {}
    for slot in filled.slots:
        names = [slot.average] if slot.average else [value for _, value in slot.column]
        by_name = next((called[each.casefold()] for each in names if each.casefold() in called), "")
        value = next(
            (filled.values[r.name, slot] for r in filled.rows if (r.name, slot) in filled.values),
            None,
        )
        task = "" if slot.average or value is None else str(value.entries[0].cell.config["task"])
        if column := tasks.get(task, "") or by_name:
            found[slot] = column
    if not found and len(columns) == len(filled.slots) == 1 and not paper.task_of(name, columns[0]):
        found[filled.slots[0]] = columns[0]
    return found


def _obstacles(
    paper: Paper, name: str, column: str, row: Row, slot: Slot, value: Value
) -> list[str]:
    """Why it is not comparable; of an average, why any of its members is not."""
    of_task = bool(paper.task_of(name, column))
    found = ["an average over fewer"] if value.partial else []
    for entry in value.entries:
        why = obstacles(paper, name, column, entry.cell.config, row.published)
        found += [each for each in why if of_task or each != "other data"]
    if slot.average:
        found += _average_obstacles(paper, name, column, row, value)
    return list(dict.fromkeys(found))


def _average_obstacles(paper: Paper, name: str, column: str, row: Row, value: Value) -> list[str]:
    """Whether the paper's average is over what ours is over, as far as its values tell."""
    tasks = {paper.task_of(name, each): each for each in paper.columns_of(name)}
    tasks.pop("", None)
    printed = paper.tables[name].rows[row.published]
    members = [tasks.get(str(entry.cell.config["task"]), "") for entry in value.entries]
    if not tasks:
        return []
    if not all(members):
        return ["other data"]
    theirs = [found for each in members if isinstance(found := printed.get(each), int | float)]
    if len(theirs) < len(members):
        return []
    mean, whole = math.fsum(theirs) / len(theirs), float(printed[column])
    if abs(mean - whole) <= ROUNDING:
        return []
    return [f"the paper's values of these average to {mean:.2f}"]


def _others(filled: Filled, paper: Paper, name: str, matched: Mapping[Slot, str]) -> list[str]:
    found: list[str] = []
    unmatched = [each for each in paper.columns_of(name) if each not in matched.values()]
    for row in filled.rows:
        values = [filled.values.get((row.name, slot)) for slot in filled.slots]
        first = next((value.entries[0] for value in values if value is not None), None)
        printed = paper.tables[name].rows.get(row.published, {})
        for column in unmatched:
            if first is not None and column in printed:
                found += obstacles(paper, name, column, first.cell.config, row.published)
    return list(dict.fromkeys(found))
