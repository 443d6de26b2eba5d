"""How the numbers of a report are written, in the unit of their measure, and what marks them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from reports.column import Column
from reports.document import Span, Text, text
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.value import Value, value_of
from sweeper.records import TrialStatus
from sweeper.spec.measure import TOP1, Measure, measure_of
from sweeper.tracking.summary import Summary

NONE = "—"
FEW = "†"
HOLES = {  # how a hole begins -> what it is
    str(TrialStatus.DIVERGED): "diverged: trials whose loss left the finite numbers.",
    str(TrialStatus.FAILED): "failed: trials that ended in an error.",
    str(TrialStatus.STOPPED): "stopped: trials that the search ended early; without a test score.",
    str(TrialStatus.RUNNING): "running: trials that have not ended.",
    "missing": "missing: planned trials that have no run in the store.",
    "without a number": "without a number: finished trials in which this was not measured.",
}


def column_name(column: Column) -> str:
    """The values of the crossed factors, such as 'digits' or 'digits, embedded'."""
    return ", ".join(value for _, value in column) or "top-1"


def number(value: float, measure: Measure, *, sign: bool = False) -> str:
    """A value as stored, in the unit of its measure, such as '58.0' or '1,234'."""
    rounded = round(value * measure.scale, measure.digits) + 0.0  # no '-0.0'
    return f"{rounded:{'+' if sign else ''},.{measure.digits}f}"


def scaled(summary: Summary | None, measure: Measure) -> tuple[float, float]:
    """Mean and half width of its interval as they are drawn; NaN where there is none."""
    if summary is None:
        return math.nan, math.nan
    half = math.nan if summary.ci95 is None else summary.ci95 * measure.scale
    return summary.mean * measure.scale, half


def in_unit(measure: Measure) -> str:
    """A measure with its unit, such as 'top-1, %'."""
    return f"{measure.label}{unit_of(measure)}"


def gain_in_unit(measure: Measure, against: str, label: str = "") -> str:
    """A difference with its unit, such as 'top-1: VP - TP, points'."""
    what = f"{label} - {against}" if label else f"difference to {against}"
    return f"{measure.label}: {what}{unit_of(measure, change=True)}"


def unit_of(measure: Measure, *, change: bool = False) -> str:
    """After a comma, such as ', %'; empty where there is none. `change`: of a difference."""
    unit = "points" if change and measure.unit == "%" else measure.unit
    return f", {unit}" if unit else ""


def interval(summary: Summary | None, measure: Measure | None = None) -> str:
    """A signed difference with its interval, such as '+1.2 [-0.3, +2.7] (3)'; of accuracies where
    no measure is given.
    """
    if summary is None:
        return "no common seed"
    shown = measure or measure_of(TOP1)
    text = number(summary.mean, shown, sign=True)
    if summary.low is not None and summary.high is not None:
        low, high = (number(end, shown, sign=True) for end in (summary.low, summary.high))
        text += f" [{low}, {high}]"
    return f"{text} ({summary.n})"


def entry_text(entry: Entry | None, notes: Footnotes) -> Text:
    """The accuracy of a cell, as the legend explains it."""
    return value_text(value_of(entry) if entry else None, measure_of(TOP1), notes)


def value_text(
    value: Value | None,
    measure: Measure,
    notes: Footnotes,
    *,
    bold: bool = False,
    sign: bool = False,
) -> Text:
    """What stands in one place of a table, as the legend explains it. `sign`: of a difference."""
    if value is None:
        return (Span(NONE),)
    if value.skip:
        return (Span("skipped"),)
    summary, holes = value.summary, ", ".join(value.holes)
    if summary is None:
        return text(Span(holes or NONE, link=value.link), *notes.mark(value.remarks))
    half = f" ± {number(summary.ci95, measure)}" if summary.ci95 is not None else ""
    n = "det." if value.scores.deterministic else str(summary.n)
    few = FEW if value.too_few else ""
    mean = Span(number(summary.mean, measure, sign=sign), bold=bold, link=value.link)
    told = f"{half} ({n}){few}" + (f", {holes}" if holes else "")
    return text(mean, told, *notes.mark(value.remarks))


def fewer(value: Value) -> str:
    """What is said of a value with too few seeds."""
    return f"fewer finished seeds than the {value.min_seeds} that this sweep asks for"


def caveats(value: Value) -> tuple[str, ...]:
    """In words what a table marks, of a value that is drawn alone; what is missing, as a whole."""
    if value.skip:
        return (*value.remarks, f"skipped: {value.skip}")
    if value.partial and value.summary is None:
        return (*value.remarks, *value.holes)
    return (*value.remarks, *([fewer(value)] if value.too_few else []))


def explained(places: Mapping[str, Value]) -> list[Text]:
    """What the texts and marks of values mean that do not explain themselves: each that occurs.
    places: where each value stands.
    """
    found, skipped = [], dict[str, list[str]]()
    few = [value for value in places.values() if value.too_few and value.summary]
    if few:
        found.append(f"{FEW} {fewer(few[0])}.")
    holes = [hole for value in places.values() for hole in value.holes]
    found += [told for begins, told in HOLES.items() if any(h.startswith(begins) for h in holes)]
    for place, value in places.items():
        if value.skip:
            skipped.setdefault(value.skip, []).append(place)
    found += [f"skipped: {'; '.join(at)}: {why}." for why, at in skipped.items()]
    return [text(each) for each in found]


def how_to_read(values: Iterable[Value]) -> str:
    """How the numbers of a figure's table are written, as a sentence without its beginning."""
    det = any(value.scores.deterministic and value.scores.by_seed for value in values)
    told = "mean ± half width of the 95 % Student-t interval (seeds)."
    return f"{told} det.: deterministic, one trial, no interval." if det else told
