"""A heat map: labels of an axis down, values of a crossed factor along, and averages of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.bars import Place, crossed, drawn, printed_values
from reports.column import Column
from reports.crossing import Crossing, Slot
from reports.document import Block, Grid, Picture, Text, text
from reports.drawing.heatmap import Map, draw_maps
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.printed import compared, printed
from reports.query import Recording
from reports.value import Value
from reports.wording import explained, how_to_read, in_unit, value_text
from sweeper.spec.measure import Measure, measure_of
from sweeper.spec.shown import Figure


@dataclass(frozen=True)
class Field:
    """One heat map; title: the other crossed factors."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    found: Mapping[Place, Value]


def heatmap_blocks(
    figure: Figure, recording: Recording, entries: Mapping[str, Entry]
) -> list[Block]:
    """The picture and the numbers behind it."""
    ours = crossed(figure, recording.plan, entries)
    fields = [each for each in measured(figure, ours) if each.found]
    measure = measure_of(figure.measure)
    maps = [_map(figure, field, measure) for field in fields]
    maps = [each for each in maps if each.values]
    lines = printed(figure.target, ours.roles)
    labels = [*(figure.of or ours.roles)]
    papers = {
        (row, column): value
        for (column, row), value in printed_values(figure, labels, lines).items()
    }
    if papers:
        columns = [*dict.fromkeys(column for _, column in papers)]
        values = normalised(papers) if figure.normalise else papers
        unit = _unit("top-1, %", figure)
        title = compared(lines, ours, ours.singles)
        maps.append(Map(title, labels, columns, values, unit, 2 if figure.normalise else 1))
    if not maps:
        return []
    name = f"figure_{figure.id}"
    grids = [
        _grid(f"{name}_{at}" if at > 1 else name, figure, field, measure)
        for at, field in enumerate(fields, start=1)
    ]
    if papers:
        grids.append(_published(f"{name}_published", figure, maps[-1].title, papers, labels))
    return [Picture(name, figure.title, draw_maps(maps)), *grids]


def measured(figure: Figure, ours: Crossing) -> list[Field]:
    """A field for each combination of the factors that do not run along."""
    rows = [*(figure.of or ours.roles)]
    rests: dict[Column, dict[str, Slot]] = {}
    for slot in ours.slots:
        name = slot.average or slot.value(figure.across) or "all"
        rests.setdefault(slot.without(figure.across), {})[name] = slot
    fields = []
    for rest, columns in rests.items():
        found = {
            (label, name): ours.values[label, slot]
            for name, slot in columns.items()
            for label in rows
            if (label, slot) in ours.values
        }
        title = ", ".join(value for _, value in rest) or "This sweep"
        fields.append(Field(title, rows, list(columns), found))
    return fields


def normalised(values: Mapping[Place, float]) -> dict[Place, float]:
    """Each value over the highest of its column; a column without one above zero is left out."""
    highest: dict[str, float] = {}
    for (_, column), value in values.items():
        highest[column] = max(value, highest.get(column, value))
    return {
        (row, column): value / highest[column]
        for (row, column), value in values.items()
        if highest[column] > 0
    }


def _map(figure: Figure, field: Field, measure: Measure) -> Map:
    means = {place: mean for place, (mean, _) in drawn(field.found, measure).items()}
    values = normalised(means) if figure.normalise else means
    unit = _unit(in_unit(measure), figure)
    digits = 2 if figure.normalise else measure.digits
    return Map(field.title, field.rows, field.columns, values, unit, digits)


def _unit(unit: str, figure: Figure) -> str:
    return f"{unit.split(',')[0]} / highest of its column" if figure.normalise else unit


def _grid(name: str, figure: Figure, field: Field, measure: Measure) -> Grid:
    notes = Footnotes.of(value.remarks for value in field.found.values())
    rows: list[list[Text]] = []
    for row in field.rows:
        line = [text(row)]
        for column in field.columns:
            line.append(value_text(field.found.get((row, column)), measure, notes))
        rows.append(line)
    told = f"{in_unit(measure)}; {how_to_read(field.found.values())}"
    if figure.normalise:
        told += " In the picture each column is divided by its highest mean."
    places = {f"{row}, {column}": value for (row, column), value in field.found.items()}
    return Grid(
        [text(figure.axis), *map(text, field.columns)],
        rows,
        name=name,
        caption=field.title,
        notes=[text(told), *notes.texts(), *explained(places)],
    )


def _published(
    name: str, figure: Figure, title: str, papers: Mapping[Place, float], labels: Sequence[str]
) -> Grid:
    columns = [*dict.fromkeys(column for _, column in papers)]
    known = {(row, column): f"{value:g}" for (row, column), value in papers.items()}
    return Grid(
        [text(figure.axis), *map(text, columns)],
        [
            [text(row), *(text(known.get((row, column), "")) for column in columns)]
            for row in labels
        ],
        name=name,
        caption=title,
    )
