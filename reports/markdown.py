"""Markdown of tables and numbers: escaped, aligned, accuracies in percent."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.column import Column
from reports.entry import Entry
from reports.table import Filled
from sweeper.tracking.summary import Summary

LEGEND = """\
How to read an entry: mean top-1 in percent ± half width of the 95 % Student-t interval over seeds
(number of finished seeds). One seed has no interval. † fewer finished seeds than this sweep asks
for ({min_seeds}). det.: deterministic, one trial, no interval. failed, diverged, running,
missing: that many trials of the cell ended so, have not ended, or have no run in the store.
skipped: the backbone cannot carry it. —: not part of this sweep. trainable: number of parameters
that are trained, of each column where they differ.

Bold: in each column the highest mean, and every entry whose paired difference to it (on common
seeds) has a 95 % interval that contains zero. An entry with † or with diverged trials is not in
bold, and where it has the highest mean, nothing in its column is."""


def escaped(text: object) -> str:
    """`text` as literal text of one line, also inside a table."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~$])", r"\\\1", line)


def grid(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A pipe table of ready cells: the first column to the left, the others to the right."""
    lines = [headers, [":--", *["--:"] * (len(headers) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


def column_name(column: Column) -> str:
    """The values of the crossed factors, such as 'digits' or 'digits, embedded'."""
    return escaped(", ".join(value for _, value in column) or "top-1")


def interval(summary: Summary | None) -> str:
    """A signed difference in points with its interval, such as '+1.2 [-0.3, +2.7] (3)'."""
    if summary is None:
        return "no common seed"
    text = f"{100 * summary.mean:+.1f}"
    if summary.low is not None and summary.high is not None:
        text += f" [{100 * summary.low:+.1f}, {100 * summary.high:+.1f}]"
    return f"{text} ({summary.n})"


def entry_text(entry: Entry | None, *, bold: bool = False) -> str:
    """One entry of a table, as `LEGEND` explains it."""
    if entry is None:
        return "—"
    if entry.cell.skip:
        return "skipped"
    summary = entry.summary
    parts = []
    if summary is not None:
        mean = f"{100 * summary.mean:.1f}"
        mean = f"**{mean}**" if bold else mean
        half = f" ± {100 * summary.ci95:.1f}" if summary.ci95 is not None else ""
        n = "det." if entry.scores.deterministic else str(summary.n)
        parts.append(f"{mean}{half} ({n}){'†' if entry.too_few else ''}")
        if entry.accumulation > 1:
            parts[-1] += "‡"
    return ", ".join([*parts, *entry.holes])


def table_text(filled: Filled) -> str:
    """The table, what stands beside it, what was skipped, and the paired changes."""
    beside = filled.beside
    headers = [escaped(filled.table.axis), *map(column_name, filled.columns), "trainable"]
    published = list(beside.columns) if beside else []
    pairs = sorted({(ours, theirs) for _, ours, theirs in beside.differences}) if beside else []
    headers += [f"{escaped(column)} (published)" for column in published]
    headers += [f"{column_name(ours)} - {escaped(theirs)}" for ours, theirs in pairs]
    rows = []
    for row in filled.rows:
        line = [escaped(row)]
        for column in filled.columns:
            entry = filled.entries.get((row, column))
            line.append(entry_text(entry, bold=(row, column) in filled.bold))
        line.append(_trainable([filled.entries.get((row, column)) for column in filled.columns]))
        for name in published:
            value = beside.values.get((row, name)) if beside else None
            line.append("" if value is None else f"{value:.1f}")
        for ours, theirs in pairs:
            gap = beside.differences.get((row, ours, theirs)) if beside else None
            line.append(f"{gap[0]:+.1f}, {gap[1]}" if gap else "not comparable")
        rows.append(line)
    parts = [grid(headers, rows), *_beside_text(filled), *_skipped(filled)]
    parts += _accumulated(filled)
    if filled.changes:
        parts.append(_changes_text(filled))
    return "\n\n".join(parts)


def _trainable(entries: Sequence[Entry | None]) -> str:
    counts = [entry.trainable_parameters for entry in entries if entry is not None]
    told = dict.fromkeys("—" if count is None else f"{count:,}" for count in counts)
    return " / ".join(told)


def _beside_text(filled: Filled) -> list[str]:
    beside = filled.beside
    if beside is None:
        return []
    table = beside.paper.tables[beside.name]
    protocol = ", ".join(f"{key} {value}" for key, value in table.protocol.items())
    lines = [
        f"Published: {table.source} of *{escaped(beside.paper.title)}*, top-1 in percent, "
        f"{escaped(beside.paper.backbone)}; {escaped(protocol)}. {escaped(table.note)}"
    ]
    if beside.differences:
        lines.append(
            "Differences are ours minus published, in points; 'within', 'below' or 'above' says "
            "where the published value lies to our interval."
        )
    if beside.obstacles:
        lines.append(
            f"{'The others are not' if beside.differences else 'Not'} comparable in value "
            f"({escaped('; '.join(beside.obstacles))}): read the published columns for shape."
        )
    return lines


def _skipped(filled: Filled) -> list[str]:
    return [
        f"Skipped: {escaped(row)}, {column_name(column)}: {escaped(entry.cell.skip)}."
        for (row, column), entry in filled.entries.items()
        if entry.cell.skip
    ]


def _accumulated(filled: Filled) -> list[str]:
    most = max((entry.accumulation for entry in filled.entries.values()), default=1)
    if most == 1:
        return []
    return [
        "‡ Trials that did not fit into the memory of their GPU: batches of the same size, cut "
        f"into up to {most} micro-batches whose gradients are added up. Steps are the same up to "
        "rounding, but for the statistics of a trained BatchNorm, which are those of a micro-batch."
    ]


def _changes_text(filled: Filled) -> str:
    rows = [
        [escaped(row), *(interval(filled.changes.get((row, c))) for c in filled.columns)]
        for row in filled.rows
        if row != filled.base
    ]
    title = (
        f"Change against the base ({escaped(filled.table.axis)} {escaped(filled.base)}), points, "
        "paired on common seeds [95 % interval] (seeds):"
    )
    headers = [escaped(filled.table.axis), *map(column_name, filled.columns)]
    return f"{title}\n\n{grid(headers, rows)}"
