"""Published values as grids: beside ours with a verdict, or by themselves, for their shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from reports import sheet
from reports.beside import Beside, Printed
from reports.crossing import Place
from reports.document import Block, Grid, Paragraph, Text, text
from reports.filled import Filled
from reports.footnote import Footnotes
from reports.published import in_one
from reports.sheet import Sheet
from reports.verdict import Compared, Word, decimals
from reports.wording import NONE

_UNITS = {"percent": "%", "points": "points", "millions": "millions", "seconds": "s"}


def published_blocks(filled: Filled, beside: Beside) -> list[Block]:
    """What was published of the rows of a table: with verdicts where one of ours is comparable."""
    if not beside.values:
        return [Paragraph(text(f"None of these rows is published. {_source(beside)}"), note=True)]
    if all(each.word == "not comparable" for each in beside.compared.values()):
        reasons = [reason for each in beside.compared.values() for reason in each.reasons]
        why = in_one([*reasons, *beside.obstacles])
        told = f"Not comparable in value ({why}): read it for shape." if why else ""
        return [*_printed(filled, beside, beside.columns, told)]
    why = in_one(beside.obstacles)
    told = f"Not comparable in value ({why}): read it for shape." if why else ""
    return [_verdicts(filled, beside), *_printed(filled, beside, beside.unmatched, told)]


def _verdicts(filled: Filled, beside: Beside) -> Grid:
    """A row for each of our places that the paper has a value of."""
    notes = Footnotes.of(_remarks(beside, place) for place in beside.compared)
    rows, rules = [], []
    places = list(beside.compared)
    for n, place in enumerate(places):
        row, slot = place
        compared, column = beside.compared[place], beside.matched[slot]
        if n and places[n - 1][0] != row:
            rules.append(n)
        signs = notes.mark(_remarks(beside, place))
        numbers = map(text, _numbers(beside, compared, column))
        rows.append([text(row), text(slot.name or column), *numbers, text(compared.word, *signs)])
    headers = [filled.corner, "column", "ours", "published", "ours - published", "verdict"]
    return Grid(
        headers=[text(header) for header in headers],
        rows=rows,
        labels=2,
        name=f"table_{filled.table.id}_published",
        caption=f"{filled.table.title}: ours beside the published{_unit(beside)}",
        notes=[
            text(_counted(beside)),
            *notes.texts(),
            *_of_rows(filled, beside),
            text(_source(beside)),
        ],
        rules=rules if len(rules) + 1 < len(rows) else (),
    )


def _counted(beside: Beside) -> str:
    counts = Counter(compared.word for compared in beside.compared.values())
    return f"{'; '.join(f'{word}: {counts[word]}' for word in get_args(Word) if counts[word])}."


def _of_rows(filled: Filled, beside: Beside) -> list[Text]:
    """What is wrong in the paper about whole rows."""
    return [
        text(f"{row.published}, in the paper: {each}")
        for row in filled.rows
        for each in beside.errata.get((row.name, ""), ())
    ]


def _remarks(beside: Beside, place: Place) -> tuple[str, ...]:
    row, slot = place
    errata = beside.errata.get((row, beside.matched[slot]), ())
    return (*beside.compared[place].reasons, *(f"in the paper: {each}" for each in errata))


def _numbers(beside: Beside, compared: Compared, column: str) -> list[str]:
    """Ours, the published one and their difference, with as many decimals as the paper has."""
    digits = _digits(beside, column)
    ours = NONE if compared.ours is None else f"{compared.ours:,.{digits}f}"
    gap = NONE if compared.gap is None else f"{round(compared.gap, digits) + 0.0:+,.{digits}f}"
    return [ours, f"{compared.published:,.{digits}f}", gap]


def _printed(filled: Filled, beside: Beside, columns: Sequence[str], told: str) -> list[Grid]:
    """The published values of `columns`, as printed. `told`: what is said of them below."""
    there = [column for column in columns if any(at == column for _, at in beside.values)]
    if not there:
        return []
    notes = Footnotes.of(
        [f"in the paper: {each}" for each in beside.errata.get((row.name, column), ())]
        for row in filled.rows
        for column in there
    )
    cells = []
    for row in filled.rows:
        line = []
        for column in there:
            value = beside.values.get((row.name, column))
            errata = beside.errata.get((row.name, column), ())
            signs = notes.mark([f"in the paper: {each}" for each in errata])
            line.append(_value(value, _digits(beside, column), signs))
        cells.append(line)
    starts = [n for n, row in enumerate(filled.rows) if n and row.over != filled.rows[n - 1].over]
    names = [row.published for row in filled.rows]  # in the words of the paper
    printed = Sheet(filled.corner, "", names, there, cells, starts)
    name = f"table_{filled.table.id}_printed"
    caption = f"{filled.table.title}: as published{_unit(beside)}"
    said = [text(each) for each in (told, _source(beside)) if each]
    own = [*notes.texts(), *_of_rows(filled, beside)]
    return sheet.grids(printed, name, caption, [*own, *said])


def _value(value: Printed | None, digits: int, signs: Text) -> Text:
    if value is None:
        return text(NONE)
    written = value if isinstance(value, str) else f"{value:,.{digits}f}"
    return text(written, *signs)


def _digits(beside: Beside, column: str) -> int:
    """The decimals of a column: those of the value that has most."""
    values = [row.get(column) for row in beside.table.rows.values()]
    return max((decimals(each) for each in values if isinstance(each, int | float)), default=0)


def _unit(beside: Beside) -> str:
    unit = _UNITS.get(beside.table.unit, "")
    return f", {unit}" if unit else ""


def _source(beside: Beside) -> str:
    table = beside.table
    stated = {name: value for name, value in table.protocol.items() if value != ""}
    protocol = ", ".join(f"{name} {value}" for name, value in stated.items())
    where = f"{beside.paper.paper.upper()}, {table.source} ('{table.caption}')"
    on = table.backbone or beside.paper.backbone
    told = "; ".join(each for each in (where, on, protocol) if each)
    return " ".join(f"Published: {told}. {table.note}".split())
