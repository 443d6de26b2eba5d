"""How numbers of a table are written: plain text, in the unit of their measure."""

from __future__ import annotations

from reports.column import Column
from reports.document import Span, Text
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.value import Value, value_of
from sweeper.spec.measure import TOP1, Measure, measure_of
from sweeper.tracking.summary import Summary

NONE = "—"
FEW = "†"


def column_name(column: Column) -> str:
    """The values of the crossed factors, such as 'digits' or 'digits, embedded'."""
    return ", ".join(value for _, value in column) or "top-1"


def number(value: float, measure: Measure, *, sign: bool = False) -> str:
    """A value as stored, in the unit of its measure, such as '58.0' or '1,234'."""
    rounded = round(value * measure.scale, measure.digits) + 0.0  # no '-0.0'
    return f"{rounded:{'+' if sign else ''},.{measure.digits}f}"


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


def entry_text(entry: Entry | None, notes: Footnotes, *, bold: bool = False) -> Text:
    """The accuracy of a cell, as the legend explains it."""
    value = value_of(entry, TOP1) if entry else None
    return value_text(value, measure_of(TOP1), notes, bold=bold)


def value_text(
    value: Value | None, measure: Measure, notes: Footnotes, *, bold: bool = False
) -> Text:
    """What stands in one place of a table, as the legend explains it."""
    if value is None:
        return (Span(NONE),)
    if value.skip:
        return (Span("skipped"),)
    summary, holes = value.summary, ", ".join(value.holes)
    spans = []
    if summary is not None:
        half = f" ± {number(summary.ci95, measure)}" if summary.ci95 is not None else ""
        n = "det." if value.scores.deterministic else str(summary.n)
        few = FEW if value.too_few else ""
        mean = Span(number(summary.mean, measure), bold=bold, link=value.link)
        spans += [mean, Span(f"{half} ({n}){few}" + (f", {holes}" if holes else ""))]
    else:
        spans.append(Span(holes or NONE, link=value.link))
    if mark := notes.mark(value.remarks):
        spans.append(Span(mark, sign=True))
    return tuple(spans)
