"""How numbers of a table are written: plain text, accuracies in percent."""

from __future__ import annotations

from reports.column import Column
from reports.document import Span, Text
from reports.entry import Entry
from reports.footnote import Footnotes
from sweeper.tracking.summary import Summary

NONE = "—"


def column_name(column: Column) -> str:
    """The values of the crossed factors, such as 'digits' or 'digits, embedded'."""
    return ", ".join(value for _, value in column) or "top-1"


def interval(summary: Summary | None) -> str:
    """A signed difference in points with its interval, such as '+1.2 [-0.3, +2.7] (3)'."""
    if summary is None:
        return "no common seed"
    text = f"{100 * summary.mean:+.1f}"
    if summary.low is not None and summary.high is not None:
        text += f" [{100 * summary.low:+.1f}, {100 * summary.high:+.1f}]"
    return f"{text} ({summary.n})"


def entry_text(entry: Entry | None, notes: Footnotes, *, bold: bool = False) -> Text:
    """One entry of a table, as the legend explains it."""
    if entry is None:
        return (Span(NONE),)
    if entry.cell.skip:
        return (Span("skipped"),)
    summary = entry.summary
    spans, holes = [], ", ".join(entry.holes)
    if summary is not None:
        half = f" ± {100 * summary.ci95:.1f}" if summary.ci95 is not None else ""
        n = "det." if entry.scores.deterministic else str(summary.n)
        rest = f"{half} ({n}){'†' if entry.too_few else ''}" + (f", {holes}" if holes else "")
        spans += [Span(f"{100 * summary.mean:.1f}", bold=bold, link=entry.link), Span(rest)]
    elif holes:
        spans.append(Span(holes, link=entry.link))
    if mark := notes.mark(entry.remarks):
        spans.append(Span(mark, sign=True))
    return tuple(spans)
