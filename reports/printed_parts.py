"""What a paper prints of training jointly and individually: rows called '... (I)' and '... (J)'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.document import Text, text
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.published import Paper, obstacles, published
from reports.value import Value
from reports.verdict import Compared, compare
from reports.wording import NONE
from sweeper.spec.measure import TOP1, measure_of
from sweeper.spec.plan import Plan

ALONE, JOINT = " (I)", " (J)"


@dataclass(frozen=True)
class PrintedParts:
    """The paper's two rows of one method.

    source: such as 'PGN, Table 6'. values: its column -> value, of (I) and of (J).
    columns: those of the parts, then of the mean, empty where there is none.
    compared: column -> the verdict on ours, trained jointly.
    """

    source: str
    alone: tuple[str, Mapping[str, int | float | str]]
    joint: tuple[str, Mapping[str, int | float | str]]
    columns: Sequence[str]
    compared: Mapping[str, Compared]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is said of ours beside the joint values."""
        return tuple(dict.fromkeys(self._remark(each) for each in self.compared.values()))

    def lines(self, notes: Footnotes) -> list[tuple[str, list[Text]]]:
        """Both rows, as printed; below the joint values, the verdicts as signs."""
        found = []
        for name, values in (self.alone, self.joint):
            line = [text(_written(values.get(column))) for column in self.columns]
            if name == self.joint[0]:
                for place, column in enumerate(self.columns):
                    if column in self.compared:
                        signs = notes.mark([self._remark(self.compared[column])])
                        line[place] = (*line[place], *signs)
            delta = text(_written(values.get("Δ")))
            other = "" if all(self.columns[:-1]) else ", on other data"
            found.append((f"{self.source}: {name}{other}", [*line, delta]))
        return found

    def _remark(self, compared: Compared) -> str:
        why = f": {'; '.join(compared.reasons)}" if compared.reasons else ""
        return f"{compared.word}{why}"


def printed_parts(plan: Plan, entry: Entry, parts: Sequence[str]) -> PrintedParts | None:
    """The rows of a target of the plan's tables; None where there are none."""
    targets = {(table.axis, table.target) for table in plan.tables if table.target}
    for role in entry.cell.roles:
        alone = role.target_row or role.label
        joint = alone.removesuffix(ALONE) + JOINT
        for axis, target in sorted(targets):
            paper, name = published(target)
            rows = paper.tables[name].rows
            if axis == role.axis and alone.endswith(ALONE) and joint in rows and alone in rows:
                return _rows(paper, name, alone, joint, entry, parts)
    return None


def _rows(
    paper: Paper, name: str, alone: str, joint: str, entry: Entry, parts: Sequence[str]
) -> PrintedParts:
    table = paper.tables[name]
    tasks = {paper.task_of(name, column): column for column in paper.columns_of(name)}
    tasks.pop("", None)
    columns = [tasks.get(part, "") for part in parts]
    compared = {}
    for part, column in zip(parts, columns, strict=True):
        value = table.rows[joint].get(column)
        if isinstance(value, int | float):
            config = entry.cell.config | {"task": part}
            why = obstacles(paper, name, column, config, joint)
            ours = Value(entry.parts[part], (entry,), apart=entry.apart)
            compared[column] = compare(ours, float(value), table.unit, measure_of(TOP1), why)
    mean = next((c for c in paper.columns_of(name) if c.casefold().startswith("av")), "")
    source = f"{paper.paper.upper()}, {table.source}"
    rows = ((alone, table.rows[alone]), (joint, table.rows[joint]))
    return PrintedParts(source, *rows, [*columns, mean], compared)


def _written(value: float | str | None) -> str:
    return NONE if value is None else str(value)
