"""Bars: a measure of each label of an axis, or its difference to one label, group by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.amount import Amount, Place, amount_text, drawn, gain_in_unit, in_unit
from reports.crossing import Crossing, Group, crossing
from reports.document import Block, Grid, Picture, Text, text
from reports.drawing.bars import Chart, draw_bars
from reports.entry import Entry
from reports.footnote import Footnotes, reference
from reports.printed import Printed, compared, printed
from reports.query import Recording
from sweeper.spec.measure import TOP1, Measure, measure_of
from sweeper.spec.shown import Figure


@dataclass(frozen=True)
class Bars:
    """What bars show: the groups in print order, labels, and (group, label) -> amount."""

    groups: Sequence[str]
    labels: Sequence[str]
    found: Mapping[Place, Amount]


def bars_blocks(figure: Figure, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The picture and the numbers behind it."""
    ours = crossing(figure.axis, recording.plan, entries)
    base = reference(recording.plan)
    bars = measured(figure, ours, base)
    measure = measure_of(figure.measure)
    lines = printed(figure.target, ours.roles)
    papers = printed_values(figure, bars.labels, lines)
    chart = _chart(figure, bars, measure)
    charts = [chart] if chart.values else []
    if papers:
        title = compared(lines, ours, shown_groups(figure, ours))
        groups = [*dict.fromkeys(group for group, _ in papers)]
        values = {place: (value, math.nan) for place, value in papers.items()}
        unit = _unit(figure, bars, measure_of(TOP1))
        charts.append(Chart(title, groups, bars.labels, values, unit, pale=True))
    if not charts:
        return []
    name = f"figure_{figure.id}"
    return [Picture(name, figure.title, draw_bars(charts)), _grid(name, figure, bars, papers)]


def shown_groups(figure: Figure, ours: Crossing) -> list[Group]:
    """The averages where there are any, else each column."""
    return ours.averaged(figure.averages, figure.across) or ours.singles()


def shown_labels(figure: Figure, ours: Crossing) -> list[str]:
    """Of the axis, those that are asked for, without that which they are compared with."""
    return [label for label in figure.of or ours.roles if label != figure.against]


def measured(figure: Figure, ours: Crossing, base: Mapping[str, object]) -> Bars:
    """The means; where they are differences, groups by falling difference of the first label."""
    labels = shown_labels(figure, ours)
    groups = shown_groups(figure, ours)
    names = group_names(ours, groups)
    found: dict[Place, Amount] = {}
    for name, group in zip(names, groups, strict=True):
        other = ours.at(figure.against, group, figure.measure) if figure.against else None
        for label in labels if other or not figure.against else ():
            amount = Amount.of(ours.at(label, group, figure.measure), base, other)
            if amount is not None:
                found[name, label] = amount
    if figure.against and labels:
        first = {name: found.get((name, labels[0])) for name in names}
        means = {k: each.summary.mean for k, each in first.items() if each and each.summary}
        names = sorted(names, key=lambda name: -means.get(name, -math.inf))
    return Bars(names, labels, found)


def group_names(ours: Crossing, groups: Sequence[Group]) -> list[str]:
    """What each group is called: its average, and the factors that vary among the groups."""
    several = len({group.average for group in groups}) > 1
    named = []
    for name, group in zip(ours.names(groups), groups, strict=True):
        first = group.average if several or not name else ""
        named.append(": ".join(part for part in (first, name) if part) or "all")
    return named


def printed_values(
    figure: Figure, labels: Sequence[str], lines: Sequence[Printed]
) -> dict[Place, float]:
    """(column, label) -> what the paper prints of accuracies, or the difference of what it does."""
    if figure.averages and any(not line.task for line in lines):
        lines = [line for line in lines if not line.task]
    found = {}
    for line in lines:
        values = {label: value for _, label, value in line.points}
        if line.unit != (
            "points" if figure.against and figure.against not in values else "percent"
        ):
            continue
        less = values.get(figure.against, 0.0)
        for label in labels:
            if label in values:
                found[line.name, label] = values[label] - less
    return found


def _chart(figure: Figure, bars: Bars, measure: Measure) -> Chart:
    unit = _unit(figure, bars, measure)
    values = drawn(bars.found, measure)
    return Chart("This sweep", bars.groups, bars.labels, values, unit)


def _unit(figure: Figure, bars: Bars, measure: Measure) -> str:
    """What the axis says: the measure, of which label if there is one, and its unit."""
    one = bars.labels[0] if len(bars.labels) == 1 else ""
    if not figure.against:
        return f"{one}: {in_unit(measure)}" if one else in_unit(measure)
    return gain_in_unit(measure, figure.against, one)


def _grid(name: str, figure: Figure, bars: Bars, papers: Mapping[Place, float]) -> Grid:
    measure = measure_of(figure.measure)
    notes = Footnotes.of(amount.remarks for amount in bars.found.values())
    rows: list[list[Text]] = []
    for group in bars.groups:
        row = [text(group)]
        for label in bars.labels:
            amount = bars.found.get((group, label))
            row.append(amount_text(amount, measure, notes, signed=bool(figure.against)))
        rows.append(row)
    sign = "+" if figure.against else ""
    for group in dict.fromkeys(group for group, _ in papers):
        row = [text(f"published: {group}")]
        for label in bars.labels:
            value = papers.get((group, label))
            row.append(text("" if value is None else f"{value:{sign}.1f}"))
        rows.append(row)
    what = in_unit(measure)
    if figure.against:
        what = f"{what}: paired difference to {figure.against}, on common seeds"
    told = f"{what}; mean ± half width of the 95 % Student-t interval (seeds)."
    return Grid(
        [text(figure.across if not figure.averages else "group"), *map(text, bars.labels)],
        rows,
        name=name,
        notes=[text(told), *map(text, notes.lines())],
        rules=[len(bars.groups)] if papers and bars.groups else [],
    )
