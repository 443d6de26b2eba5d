"""A table of a report as flat rows, for machines: one for each entry, in the unit that it names."""

from __future__ import annotations

from collections.abc import Mapping

from reports.beside import Beside, beside
from reports.crossing import Place
from reports.entry import Entry
from reports.filled import Filled, fill
from reports.query import Recording
from reports.value import Value
from sweeper.spec.measure import measure_of
from sweeper.spec.shown import Table

Cell = str | int | float | bool | None


def table_data(
    table: Table, recording: Recording, entries: Mapping[str, Entry]
) -> list[dict[str, Cell]]:
    """The entries of a table and its averages, row by row. None: there is none.

    mean, std, ci95 and difference are in `unit`, as the table is printed; published and gap in
    `published_unit`. `status`: what marks the entry, joined by '; '.
    """
    filled = fill(table, recording.plan, entries)
    printed = beside(filled)
    places = [(row.name, slot) for row in filled.rows for slot in filled.slots]
    return [_row(filled, printed, place) for place in places if place in filled.values]


def _row(filled: Filled, printed: Beside | None, place: Place) -> dict[str, Cell]:
    row, slot = place
    value, measure = filled.values[place], measure_of(filled.table.measure)
    summary, change = value.summary, filled.changes.get(place)
    compared = printed.compared.get(place) if printed else None

    def scaled(number: float | None) -> float | None:
        return None if number is None else number * measure.scale

    return {
        "table": filled.table.id,
        "row": row,
        "column": slot.name or measure.label,
        "average": bool(slot.average),
        "measure": filled.table.measure,
        "unit": measure.unit,
        "mean": scaled(summary.mean) if summary else None,
        "std": scaled(summary.std) if summary else None,
        "ci95": scaled(summary.ci95) if summary else None,
        "n": summary.n if summary else 0,
        "bold": place in filled.bold,
        "status": "; ".join(_marks(value)),
        "base": filled.base,
        "difference": scaled(change.mean) if change else None,
        "difference_low": scaled(change.low) if change else None,
        "difference_high": scaled(change.high) if change else None,
        "difference_n": change.n if change else None,
        "published": compared.published if compared else None,
        "published_unit": printed.table.unit if printed and compared else "",
        "gap": compared.gap if compared else None,
        "verdict": compared.word if compared else "",
        "reasons": "; ".join(_reasons(printed, place)),
        "link": value.link,
    }


def _marks(value: Value) -> list[str]:
    """What a reader must know of an entry, in words."""
    return [
        *([f"skipped: {value.skip}"] if value.skip else []),
        *(["deterministic"] if value.scores.deterministic and value.scores.by_seed else []),
        *(["too few seeds"] if value.too_few and not value.skip else []),
        *value.holes,
        *value.remarks,
    ]


def _reasons(printed: Beside | None, place: Place) -> tuple[str, ...]:
    if printed is None or place not in printed.compared:
        return ()
    row, slot = place
    own, of_row = ((row, column) for column in (printed.matched[slot], ""))
    errata = (*printed.errata.get(own, ()), *printed.errata.get(of_row, ()))
    return (*printed.compared[place].reasons, *(f"in the paper: {each}" for each in errata))
