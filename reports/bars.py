"""Bars: a measure of each label of an axis, or its difference to one label, group by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.average import pictured
from reports.crossing import Crossing, Slot, crossing, names_of
from reports.document import Block, Grid, Picture, Text, text
from reports.drawing.bars import Chart, draw_bars
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.printed import Printed, compared, printed
from reports.query import Recording
from reports.value import Value, less
from reports.wording import explained, gain_in_unit, how_to_read, in_unit, scaled, value_text
from sweeper.spec.measure import TOP1, Measure, measure_of
from sweeper.spec.plan import Plan
from sweeper.spec.shown import Figure

Place = tuple[str, str]  # of a number in a figure: its row and its column


@dataclass(frozen=True)
class Bars:
    """What bars show: the groups in print order, labels, and (group, label) -> value."""

    groups: Sequence[str]
    labels: Sequence[str]
    found: Mapping[Place, Value]


def bars_blocks(figure: Figure, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The picture and the numbers behind it."""
    ours = crossed(figure, recording.plan, entries)
    bars = measured(figure, ours)
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


def crossed(figure: Figure, plan: Plan, entries: Mapping[str, Entry]) -> Crossing:
    """The cells of a figure; averages stand beside those of the labels that it shows."""
    among = (*figure.of, figure.against) if figure.of else ()
    return crossing(figure, plan, entries, pictured, among=among)


def shown_groups(figure: Figure, ours: Crossing) -> list[Slot]:
    """The averages where there are any, else each column."""
    order = list(figure.averages)
    return sorted(ours.averages, key=lambda slot: order.index(slot.average)) or ours.singles


def shown_labels(figure: Figure, ours: Crossing) -> list[str]:
    """Of the axis, those that are asked for, without that which they are compared with."""
    return [label for label in figure.of or ours.roles if label != figure.against]


def measured(figure: Figure, ours: Crossing) -> Bars:
    """The means; where they are differences, groups by falling difference of the first label."""
    labels = shown_labels(figure, ours)
    groups = shown_groups(figure, ours)
    names = group_names(groups)
    found: dict[Place, Value] = {}
    for name, group in zip(names, groups, strict=True):
        other = ours.values.get((figure.against, group))
        for label in labels:
            value = ours.values.get((label, group))
            if value is not None and figure.against:
                value = less(value, other, figure.against) if other else None
            if value is not None:
                found[name, label] = value
    if figure.against and labels:
        first = {name: found.get((name, labels[0])) for name in names}
        means = {k: each.summary.mean for k, each in first.items() if each and each.summary}
        names = sorted(names, key=lambda name: -means.get(name, -math.inf))
    return Bars(names, labels, found)


def group_names(groups: Sequence[Slot]) -> list[str]:
    """What each group is called: its average, and the factors that vary among the groups."""
    several = len({group.average for group in groups}) > 1
    named = []
    for name, group in zip(names_of(groups), groups, strict=True):
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


def drawn(found: Mapping[Place, Value], measure: Measure) -> dict[Place, tuple[float, float]]:
    """Mean and half width of those that have a mean."""
    return {
        place: scaled(value.summary, measure) for place, value in found.items() if value.summary
    }


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
    notes = Footnotes.of(value.remarks for value in bars.found.values())
    rows: list[list[Text]] = []
    for group in bars.groups:
        row = [text(group)]
        for label in bars.labels:
            value = bars.found.get((group, label))
            row.append(value_text(value, measure, notes, sign=bool(figure.against)))
        rows.append(row)
    sign = "+" if figure.against else ""
    for group in dict.fromkeys(group for group, _ in papers):
        row = [text(f"published: {group}")]
        for label in bars.labels:
            theirs = papers.get((group, label))
            row.append(text("" if theirs is None else f"{theirs:{sign}.1f}"))
        rows.append(row)
    what = in_unit(measure)
    if figure.against:
        what = f"{what}: paired difference to {figure.against}, on common seeds"
    told = f"{what}; {how_to_read(bars.found.values())}"
    places = {f"{group}, {label}": value for (group, label), value in bars.found.items()}
    return Grid(
        [text(figure.across if not figure.averages else "group"), *map(text, bars.labels)],
        rows,
        name=name,
        notes=[text(told), *notes.texts(), *explained(places)],
        rules=[len(bars.groups)] if papers and bars.groups else [],
    )
