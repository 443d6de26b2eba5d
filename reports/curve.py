"""A curve of the plan: a measure against a setting, ours and the published one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reports.document import Block, Grid, Heading, Paragraph, Picture, Text, text
from reports.drawing.lines import Pane, Ruler, Stroke, draw_lines
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.printed import heading
from reports.query import Recording
from reports.statistics import MARGIN, Robustness
from reports.trace import Beside, Line, Panel, Traced, trace
from reports.wording import in_unit, scaled
from sweeper.spec.shown import Curve

ROBUSTNESS = (
    "Largest drop: highest minus lowest mean, points. Area: of mean / best mean over log2 of x, "
    "divided by the range it spans; 1 is flat. All from means, over x above zero."
)
NOTHING = "Nothing to draw yet: no seed of any cell along this axis has finished."


def curve_blocks(curve: Curve, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The section of one curve: the picture, and how much each line minds the setting."""
    traced = trace(curve, recording.plan, entries)
    title = Heading(3, curve.title)
    panes = panes_of(traced)
    if not panes:
        return [title, Paragraph(text(NOTHING))]
    name = f"curve_{curve.id}"
    ruler = _ruler(traced, panes)
    picture = Picture(name, curve.title, draw_lines(panes, ruler))
    return [title, picture, _caption(traced, ruler), _grid(name, traced)]


def panes_of(traced: Traced) -> list[Pane]:
    """What is drawn: a pane for each panel, and one for the paper's lines that stand apart."""
    names = dict.fromkeys(line.name for panel in traced.panels for line in panel.lines)
    place = {name: at for at, name in enumerate(names)}
    unit = in_unit(traced.measure)
    panes = []
    for panel in traced.panels:
        strokes = [_ours(line, place[line.name], traced) for line in panel.lines]
        for line, beside in panel.beside:
            strokes.append(_published(beside, place[line.name], traced))
        levels = [
            (
                level.name,
                level.mean * traced.measure.scale,
                place[level.line.name] if level.line else -1,
            )
            for level in panel.zero_shot
        ]
        panes.append(Pane(panel.title or "This sweep", strokes, levels, unit))
    if traced.apart:
        others = enumerate(traced.apart, start=len(names))
        strokes = [_published(each, at, traced) for at, each in others]
        first = traced.apart[0].printed
        percent = "top-1, %" if first.unit == "percent" else first.unit
        reasons = [reason for each in traced.apart for reason in each.reasons]
        panes.append(Pane(heading(first.source, reasons), strokes, [], percent))
    return panes


def _ours(line: Line, alike: int, traced: Traced) -> Stroke:
    points = [point for point in line.points if _drawable(point.x, traced.curve)]
    # One seed has no interval: the band has a gap there, not a width of zero.
    found = [scaled(point.summary, traced.measure) for point in points]
    return Stroke(
        line.name,
        [point.x for point in points],
        [mean for mean, _ in found],
        [half for _, half in found],
        alike,
    )


def _published(line: Beside, alike: int, traced: Traced) -> Stroke:
    points = [point for point in line.points if _drawable(point[0], traced.curve)]
    x, y = [x for x, _ in points], [y for _, y in points]
    return Stroke(_title(line), x, y, [math.nan] * len(x), alike, hollow=True)


def _drawable(x: float, curve: Curve) -> bool:
    return not math.isnan(x) and (x > 0 or curve.scale != "log")


def _title(line: Beside) -> str:
    return f"published: {line.printed.name} ({line.printed.source})"


def _ruler(traced: Traced, panes: Sequence[Pane]) -> Ruler:
    curve = traced.curve
    if curve.scale == "labels":
        return Ruler(curve.axis, log=False, names=traced.names)
    ticks = sorted({x for pane in panes for stroke in pane.strokes for x in stroke.x})
    if curve.x == "setting":
        return Ruler(curve.axis, log=curve.scale == "log", ticks=ticks)
    return Ruler("trainable parameters", log=curve.scale == "log", base=10, ticks=ticks)


def _caption(traced: Traced, ruler: Ruler) -> Paragraph:
    """What the picture shows, and what it leaves out."""
    parts = [
        f"{in_unit(traced.measure)}: mean over seeds, with a 95 % Student-t interval as a band."
    ]
    hollow = traced.apart or any(panel.beside for panel in traced.panels)
    parts += ["Hollow markers: as the paper prints them."] if hollow else []
    left = sorted(
        {
            point.label
            for panel in traced.panels
            for line in panel.lines
            for point in line.points
            if point.summary and not _drawable(point.x, traced.curve)
        }
    )
    if left:
        parts.append(f"Without a place on {ruler.label}: {', '.join(left)}.")
    return Paragraph(text(" ".join(parts)), note=True)


def _grid(name: str, traced: Traced) -> Grid:
    """A row for each line, ours and the paper's."""
    lines = [(panel, line) for panel in traced.panels for line in panel.lines]
    several = len(traced.panels) > 1
    notes = Footnotes.of(line.remarks for _, line in lines)
    rows = [
        _row(_called(panel, line, several), line.robustness, notes.mark(line.remarks))
        for panel, line in lines
    ]
    beside = [each for panel in traced.panels for _, each in panel.beside]
    rows += [_row(_title(each), each.robustness, ()) for each in [*beside, *traced.apart]]
    headers = ["line", "best at", "largest drop, points", "area under the normalised curve"]
    headers.append(f"smallest within {100 * MARGIN:g} point of the best")
    told = notes.texts()
    if any(each.robustness for _, each in lines):
        told.append(text(ROBUSTNESS))
    return Grid([*map(text, headers)], rows, name=name, notes=told)


def _called(panel: Panel, line: Line, several: bool) -> str:
    return f"{panel.title}: {line.name}" if several and panel.title else line.name


def _row(name: str, found: Robustness | None, signs: Text) -> list[Text]:
    numbers = ["—"] * 4
    if found is not None:
        numbers = [f"{found.best_at:,.10g}", f"{100 * found.largest_drop:.1f}"]
        numbers += [f"{found.area:.3f}", f"{found.shortest:,.10g}"]
    return [text(name, *signs), *map(text, numbers)]
