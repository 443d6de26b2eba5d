"""A table of the plan, filled: rows are the labels of an axis, columns the crossed factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.column import Column, columns_of, stands_in
from reports.document import Block, Grid, Heading, Paragraph, Span, text
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.published import Paper, obstacles, published
from reports.query import Recording
from reports.statistics import best, difference
from reports.wording import NONE, column_name, entry_text, interval
from sweeper.spec.plan import Plan, Role
from sweeper.spec.shown import Table
from sweeper.tracking.summary import Summary


@dataclass(frozen=True)
class Filled:
    """A table with its entries. `rows` and `columns` are in print order.

    entries: (row, column) -> entry, for what the plan holds; bold: those of them in bold.
    changes: (row, column) -> paired difference to the base cell of the column (fractions), for
        every row but the base's, where there is a base. None: no common seed yet.
    base: the row of the base cell, empty where the plan has none.
    beside: the published table, if the plan names one.
    notes: what is said below of entries that carry a sign.
    """

    table: Table
    rows: Sequence[str]
    columns: Sequence[Column]
    entries: Mapping[tuple[str, Column], Entry]
    bold: frozenset[tuple[str, Column]]
    changes: Mapping[tuple[str, Column], Summary | None]
    base: str
    beside: Beside | None
    notes: Footnotes


@dataclass(frozen=True)
class Beside:
    """Published values of a table's rows, and how ours differ where they may be compared.

    values: (row, published column) -> percent.
    differences: (row, our column, published column) -> (ours - published in points, how the
        published value lies to our interval: 'within' | 'below' | 'above' | 'no interval').
    obstacles: why the others are not compared, each once.
    """

    paper: Paper
    name: str  # of the table, such as 'T3a'
    columns: Sequence[str]
    values: Mapping[tuple[str, str], float]
    differences: Mapping[tuple[str, Column, str], tuple[float, str]]
    obstacles: Sequence[str]


def table_blocks(table: Table, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """A table of a report: it, what stands beside it, what was skipped, and the changes."""
    filled = fill(table, recording.plan, entries)
    heading = Heading(3, f"{table.id}: {table.title}")
    blocks: list[Block] = [heading, _grid(filled), *_skipped(filled)]
    if filled.beside:
        blocks += _beside_blocks(filled.beside)
    return [*blocks, _changes_grid(filled)] if filled.changes else blocks


def _grid(filled: Filled) -> Grid:
    beside = filled.beside
    headers = [filled.table.axis, *map(column_name, filled.columns), "trainable"]
    published = list(beside.columns) if beside else []
    pairs = sorted({(ours, theirs) for _, ours, theirs in beside.differences}) if beside else []
    headers += [f"{column} (published)" for column in published]
    headers += [f"{column_name(ours)} - {theirs}" for ours, theirs in pairs]
    rows = []
    for row in filled.rows:
        line = [text(row)]
        for column in filled.columns:
            entry = filled.entries.get((row, column))
            line.append(entry_text(entry, filled.notes, bold=(row, column) in filled.bold))
        counts = [filled.entries.get((row, column)) for column in filled.columns]
        line.append(text(_trainable(counts)))
        for name in published:
            value = beside.values.get((row, name)) if beside else None
            line.append(text("" if value is None else f"{value:.1f}"))
        for ours, theirs in pairs:
            gap = beside.differences.get((row, ours, theirs)) if beside else None
            line.append(text(f"{gap[0]:+.1f}, {gap[1]}" if gap else "not comparable"))
        rows.append(line)
    notes = [text(line) for line in filled.notes.lines()]
    return Grid(
        headers=[text(header) for header in headers],
        rows=rows,
        name=f"table_{filled.table.id}",
        caption=filled.table.title,
        notes=notes,
    )


def _trainable(entries: Sequence[Entry | None]) -> str:
    counts = [entry.trainable_parameters for entry in entries if entry is not None]
    return " / ".join(dict.fromkeys(NONE if count is None else f"{count:,}" for count in counts))


def _beside_blocks(beside: Beside) -> list[Block]:
    table = beside.paper.tables[beside.name]
    protocol = ", ".join(f"{key} {value}" for key, value in table.protocol.items())
    lines = [
        f"Published: {table.source} of '{beside.paper.title}', top-1 in percent, "
        f"{beside.paper.backbone}; {protocol}. {table.note}"
    ]
    if beside.differences:
        lines.append(
            "Differences are ours minus published, in points; 'within', 'below' or 'above' says "
            "where the published value lies to our interval."
        )
    if beside.obstacles:
        lines.append(
            f"{'The others are not' if beside.differences else 'Not'} comparable in value "
            f"({'; '.join(beside.obstacles)}): read the published columns for shape."
        )
    return [Paragraph(text(line), note=True) for line in lines]


def _skipped(filled: Filled) -> list[Block]:
    return [
        Paragraph(
            text(f"Skipped: {row}, {column_name(column)}: {entry.cell.skip}."),
            note=True,
        )
        for (row, column), entry in filled.entries.items()
        if entry.cell.skip
    ]


def _changes_grid(filled: Filled) -> Grid:
    rows = []
    for row in filled.rows:
        line = [text(row)]
        for column in filled.columns:
            entry = filled.entries.get((row, column))
            mark = filled.notes.mark(entry.remarks) if entry else ""
            change = interval(filled.changes.get((row, column)))
            line.append(text(change, *([Span(mark, sign=True)] if mark else [])))
        if row != filled.base:
            rows.append(line)
    caption = (
        f"Change against the base ({filled.table.axis} {filled.base}), points, paired on common "
        "seeds [95 % interval] (seeds)"
    )
    headers = [text(filled.table.axis), *(text(column_name(one)) for one in filled.columns)]
    return Grid(headers, rows, name=f"table_{filled.table.id}_changes", caption=caption)


def fill(table: Table, plan: Plan, entries: Mapping[str, Entry]) -> Filled:
    """Arranges the cells that have a role along the table's axis."""
    members = [
        (role, cell) for cell in plan.cells for role in cell.roles if role.axis == table.axis
    ]
    columns = columns_of(cell for _, cell in members)
    found = {
        (role.label, column): entries[cell.id]
        for role, cell in members
        for column in columns
        if stands_in(cell, column)
    }
    roles = {role.label: role for role, _ in members}
    base_rows = {role.label for role, cell in members if cell.base}
    base = base_rows.pop() if len(base_rows) == 1 else ""
    rows = _ordered(roles, table.target)
    places = [(row, column) for row in rows for column in columns]
    return Filled(
        table=table,
        rows=rows,
        columns=columns,
        entries=found,
        bold=_bold(found, columns),
        changes=_changes(found, base) if base else {},
        base=base,
        beside=_beside(table.target, roles, found) if table.target else None,
        notes=Footnotes.of(found[place].remarks for place in places if place in found),
    )


def _ordered(roles: Mapping[str, Role], target: str) -> list[str]:
    """By number where all are numbers, else as published, else as planned."""
    values = [role.value for role in roles.values()]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return sorted(roles, key=lambda label: float(roles[label].value or 0))
    if not target:
        return list(roles)
    paper, name = published(target)
    rank = {row: place for place, row in enumerate(paper.tables[name].rows)}
    return sorted(roles, key=lambda label: rank.get(_published_row(roles[label]), len(rank)))


def _published_row(role: Role) -> str:
    return role.target_row or role.label


def _bold(
    entries: Mapping[tuple[str, Column], Entry], columns: Sequence[Column]
) -> frozenset[tuple[str, Column]]:
    bold: set[tuple[str, Column]] = set()
    for column in columns:
        there = {row: entry for (row, place), entry in entries.items() if place == column}
        winners = best({row: entry.scores for row, entry in there.items() if entry.sound})
        rivals = {row: entry for row, entry in there.items() if not entry.apart}
        means = {row: entry.summary.mean for row, entry in rivals.items() if entry.summary}
        if any(means[row] == max(means.values()) for row in winners):
            bold |= {(row, column) for row in winners}
    return frozenset(bold)


def _changes(
    entries: Mapping[tuple[str, Column], Entry], base: str
) -> dict[tuple[str, Column], Summary | None]:
    return {
        (row, column): difference(entry.scores, entries[base, column].scores)
        for (row, column), entry in entries.items()
        if row != base and (base, column) in entries
    }


def _beside(
    target: str, roles: Mapping[str, Role], entries: Mapping[tuple[str, Column], Entry]
) -> Beside:
    paper, name = published(target)
    columns = paper.columns_of(name)
    values: dict[tuple[str, str], float] = {}
    differences: dict[tuple[str, Column, str], tuple[float, str]] = {}
    reasons: list[str] = []
    for label, role in roles.items():
        published_row = _published_row(role)
        row = _numbers(paper.tables[name].rows.get(published_row, {}))
        values |= {(label, column): value for column, value in row.items()}
        for (ours, place), entry in entries.items():
            for column, value in row.items() if ours == label else ():
                against = obstacles(paper, name, column, entry.cell.config, published_row)
                summary = entry.summary
                if against:
                    reasons += against
                elif summary is not None:
                    differences[label, place, column] = _compare(summary, value)
    return Beside(paper, name, columns, values, differences, list(dict.fromkeys(reasons)))


def _numbers(row: Mapping[str, int | float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if not isinstance(value, str)}


def _compare(ours: Summary, percent: float) -> tuple[float, str]:
    gap = ours.mean * 100 - percent
    if ours.low is None or ours.high is None:
        return gap, "no interval"
    if ours.low * 100 <= percent <= ours.high * 100:
        return gap, "within"
    return gap, "above" if percent > ours.mean * 100 else "below"
