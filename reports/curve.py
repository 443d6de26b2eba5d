"""A curve of the plan: accuracy against a numeric setting, ours and the published one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.column import Column, columns_of, stands_in
from reports.document import Block, Grid, Heading, Paragraph, Picture, Text, text
from reports.entry import Entry
from reports.footnote import reference, remarks
from reports.published import obstacles, published
from reports.query import Recording
from reports.statistics import MARGIN, Robustness, robustness
from sweeper.spec.plan import Plan
from sweeper.spec.shown import Curve
from sweeper.tracking.summary import Summary


@dataclass(frozen=True)
class Line:
    """One column: (setting, summary) by rising setting, and the zero-shot mean if there is one."""

    column: Column
    points: Sequence[tuple[float, Summary]]
    zero_shot: float | None
    robustness: Robustness | None
    remarks: tuple[str, ...] = ()  # what must be known of its points


@dataclass(frozen=True)
class Drawn:
    """A curve with our lines, and the published ones: name -> (setting, percent)."""

    curve: Curve
    lines: Sequence[Line]
    beside: Mapping[str, Sequence[tuple[float, float]]]
    beside_title: str


def trace(curve: Curve, plan: Plan, entries: Mapping[str, Entry]) -> Drawn:
    """The points of a curve: cells with a number along its axis and at least one finished seed."""
    found: dict[Column, list[tuple[float, Summary]]] = {}
    settings: dict[str, float] = {}
    members = [
        (role, float(role.value), cell)
        for cell in plan.cells
        for role in cell.roles
        if role.axis == curve.axis and isinstance(role.value, int | float)
    ]
    columns = columns_of(cell for _, _, cell in members)
    base = reference(plan)
    told: dict[Column, dict[str, list[float]]] = {}  # remark -> where on the axis
    for role, value, cell in members:
        settings[role.target_row or role.label] = value
        summary = entries[cell.id].summary
        for column in columns:
            if summary is not None and stands_in(cell, column):
                found.setdefault(column, []).append((value, summary))
                for remark in remarks(cell.config, base, but=curve.axis)[0]:
                    told.setdefault(column, {}).setdefault(remark, []).append(value)
    lines = []
    for column, points in found.items():
        points.sort(key=lambda point: point[0])
        means = [(setting, summary.mean) for setting, summary in points]
        zero_shot = _zero_shot(plan, entries, column)
        beneath = zero_shot.summary.mean if zero_shot and zero_shot.summary else None
        said = _said(told.get(column, {}), len(points), zero_shot)
        lines.append(Line(column, points, beneath, robustness(means), said))
    beside, title = _beside(curve.target, settings, plan) if curve.target else ({}, "")
    return Drawn(curve, lines, beside, title)


def _zero_shot(plan: Plan, entries: Mapping[str, Entry], column: Column) -> Entry | None:
    for cell in plan.cells:
        entry = entries[cell.id]
        if stands_in(cell, column) and cell.config.get("method") == "tp" and entry.summary:
            return entry
    return None


def _beside(
    target: str, settings: Mapping[str, float], plan: Plan
) -> tuple[dict[str, list[tuple[float, float]]], str]:
    paper, name = published(target)
    table = paper.tables[name]
    values = {row: settings.get(row, _number(row)) for row in table.rows}
    lines = {
        column: sorted(
            (setting, float(table.rows[row][column]))
            for row, setting in values.items()
            if setting is not None and column in table.rows[row]
        )
        for column in paper.columns_of(name)
    }
    title = f"Published: {paper.paper.upper()}, {table.source}\n"
    comparable = any(
        not obstacles(paper, name, column, cell.config, row)
        for row in table.rows
        for column in lines
        for cell in plan.cells
    )
    title += "" if comparable else "not measured as ours: compare shape, not value"
    return {column: points for column, points in lines.items() if points}, title


def _said(
    told: Mapping[str, Sequence[float]], points: int, zero_shot: Entry | None
) -> tuple[str, ...]:
    """The remarks of a line, with their places where they are not of all its points."""
    own = [
        remark if len(at) == points else f"at {', '.join(f'{value:g}' for value in at)}: {remark}"
        for remark, at in told.items()
    ]
    return (*own, *(f"zero-shot: {remark}" for remark in (zero_shot.remarks if zero_shot else ())))


def _number(text: str) -> float | None:
    return float(text) if text.replace(".", "", 1).isdecimal() else None


def curve_blocks(curve: Curve, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The section of one curve: the picture, and how much each line minds the setting."""
    from reports.figure import pictures  # which draws what is traced here

    drawn = trace(curve, recording.plan, entries)
    name = f"curve_{curve.id}"
    picture = Picture(name, curve.title, pictures(drawn, curve.axis))
    blocks: list[Block] = [Heading(3, curve.title), picture]
    rows = [
        _numbers(", ".join(value for _, value in line.column) or "top-1", line.robustness)
        for line in drawn.lines
    ]
    headers = ["line", "best at", "largest drop, points", "area under the normalised curve"]
    headers.append(f"smallest within {100 * MARGIN:g} point of the best")
    if rows:
        blocks.append(Grid([*map(text, headers)], rows, name=name))
    said = dict.fromkeys(remark for line in drawn.lines for remark in line.remarks)
    return [*blocks, *(Paragraph(text(remark), note=True) for remark in said)]


def _numbers(name: str, found: Robustness | None) -> list[Text]:
    if found is None:
        return [text(name), *[text("")] * 4]
    told = [f"{found.best_at:g}", f"{100 * found.largest_drop:.1f}"]
    told += [f"{found.area:.3f}", f"{found.shortest:g}"]
    return [text(name), *map(text, told)]
