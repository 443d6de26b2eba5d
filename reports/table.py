"""A table of a report: ours, the paper's beside it, and the changes against the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports import sheet
from reports.beside import beside
from reports.crossing import Row, Slot
from reports.document import Block, Grid, Heading, Text, text
from reports.entry import Entry
from reports.filled import Filled, fill
from reports.published_grids import published_blocks
from reports.query import Recording
from reports.sheet import Sheet
from reports.wording import NONE, explained, in_unit, interval, unit_of, value_text
from sweeper.spec.shown import Table

MOST = 3  # numbers of parameters that are named one by one


def table_blocks(table: Table, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """Heading, table, what was published beside it, and the changes against the base."""
    filled = fill(table, recording.plan, entries)
    found: list[Block] = [Heading(3, f"{table.id}: {table.title}"), *_grids(filled)]
    printed = beside(filled)
    if printed is not None:
        found += published_blocks(filled, printed)
    return [*found, *_changes(filled)] if filled.changes else found


def _grids(filled: Filled) -> list[Grid]:
    """Ours."""
    measure = filled.measure
    cells, columns = [], [_name(filled, slot) for slot in filled.slots]
    counted = bool(measure.better)  # beside how good it is
    for row in filled.rows:
        line = []
        for slot in filled.slots:
            place = (row.name, slot)
            bold = place in filled.bold
            value = filled.values.get(place)
            line.append(value_text(value, measure, filled.notes, bold=bold))
        cells.append([*line, text(_trainable(filled, row))] if counted else line)
    ours = _sheet(filled, filled.rows, [*columns, *(["trainable"] if counted else [])], cells)
    caption = f"{filled.table.title}: {in_unit(measure)}"
    return sheet.grids(ours, _file(filled), caption, _notes(filled))


def _file(filled: Filled, suffix: str = "") -> str:
    return f"table_{filled.table.id}{suffix}"


def _name(filled: Filled, slot: Slot) -> str:
    return slot.name or filled.measure.label


def _sheet(
    filled: Filled, rows: Sequence[Row], columns: Sequence[str], cells: Sequence[Sequence[Text]]
) -> Sheet:
    starts = [n for n in range(1, len(rows)) if rows[n].over != rows[n - 1].over]
    factors = ", ".join(name for name, _ in filled.slots[0].column) if filled.slots else ""
    return Sheet(filled.corner, factors, [row.name for row in rows], columns, cells, starts)


def _trainable(filled: Filled, row: Row) -> str:
    """How many parameters are trained in a row, each number once; of many, the range."""
    values = [filled.values.get((row.name, slot)) for slot in filled.slots if not slot.average]
    counts = [value.entries[0].trainable_parameters for value in values if value is not None]
    told = list(dict.fromkeys(count for count in counts if count is not None))
    if len(told) > MOST:
        return f"{min(told):,} to {max(told):,}"
    return " / ".join(f"{count:,}" for count in told) or NONE


def _notes(filled: Filled) -> list[Text]:
    """What is said of this table alone: its signs, what is not finished, what was skipped."""
    found = filled.notes.texts()
    some = {name: members for name, members in filled.table.averages.items() if members}
    if some:
        told = "; ".join(f"{name} over {', '.join(members)}" for name, members in some.items())
        found.append(text(f"Averages: {told}."))
    places = {
        f"{row.name}, {slot.name}" if slot.name else row.name: filled.values[row.name, slot]
        for row in filled.rows
        for slot in filled.slots
        if (row.name, slot) in filled.values
    }
    return [*found, *explained(places)]


def _changes(filled: Filled) -> list[Grid]:
    rows = [row for row in filled.rows if row.role.label != filled.base]
    cells = []
    for row in rows:
        line = []
        for slot in filled.slots:
            place = (row.name, slot)
            value = filled.values.get(place)
            if place not in filled.changes or value is None:
                line.append(text(NONE))
                continue
            signs = filled.notes.mark(value.remarks)
            line.append(text(interval(filled.changes[place], filled.measure), *signs))
        cells.append(line)
    columns = [_name(filled, slot) for slot in filled.slots]
    unit = unit_of(filled.measure, change=True).removeprefix(", ")
    caption = (
        f"{filled.table.title}: change against the base ({filled.table.axis} {filled.base})"
        f"{f' in {unit}' if unit else ''}, paired on common seeds [95 % interval] (seeds)"
    )
    changes = _sheet(filled, rows, columns, cells)
    return sheet.grids(changes, _file(filled, "_changes"), caption, filled.notes.texts())
