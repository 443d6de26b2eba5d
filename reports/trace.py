"""The points of a curve: ours in panels, each line by rising x, and the paper's beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reports.average import pictured
from reports.column import stands_in
from reports.crossing import Crossing, Slot, crossing, names_of
from reports.entry import Entry
from reports.printed import Printed, printed
from reports.statistics import Robustness, robustness
from reports.value import Value, average_of, value_of
from reports.wording import caveats
from sweeper.spec.measure import Measure, measure_of
from sweeper.spec.plan import Plan
from sweeper.spec.shown import Curve
from sweeper.tracking.summary import Summary

ZERO_SHOT = "zero-shot (TP)"


@dataclass(frozen=True)
class Point:
    """One label of the axis. x: its place, NaN where it has none; summary: None in a hole."""

    label: str
    x: float
    summary: Summary | None


@dataclass(frozen=True)
class Line:
    """One line of a panel, and how much it minds x. remarks: what must be known of its points."""

    name: str
    slot: Slot
    points: Sequence[Point]
    robustness: Robustness | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """What zero-shot scores under a line; line: None where it is the same under all."""

    name: str
    mean: float
    line: Line | None


@dataclass(frozen=True)
class Beside:
    """A line of the paper: (x, value as printed). robustness: of accuracies in percent."""

    printed: Printed
    points: Sequence[tuple[float, float]]
    robustness: Robustness | None
    reasons: tuple[str, ...] = ()  # why it is not comparable with ours


@dataclass(frozen=True)
class Panel:
    """Lines on one pair of axes; beside: (our line, the paper's)."""

    title: str
    lines: Sequence[Line]
    zero_shot: Sequence[Level]
    beside: Sequence[tuple[Line, Beside]] = ()


@dataclass(frozen=True)
class Traced:
    """A curve; apart: the paper's lines that stand on axes of their own."""

    curve: Curve
    measure: Measure
    names: Sequence[str]  # labels of the axis, in the order of the sweep
    panels: Sequence[Panel]
    apart: Sequence[Beside]


def trace(curve: Curve, plan: Plan, entries: Mapping[str, Entry]) -> Traced:
    """The panels of a curve; a line without a finished seed is left out."""
    ours = crossing(curve, plan, entries, pictured, but=curve.axis)
    tracer = _Tracer(curve, plan, entries, ours, measure_of(curve.measure))
    titled: dict[str, list[Slot]] = {}
    for slot in ours.averages:
        title = f"{slot.average}: mean over {len(ours.columns(slot))} {curve.across}s"
        titled.setdefault(title, []).append(slot)
    for slot in ours.singles:
        titled.setdefault(slot.value(curve.panels), []).append(slot)
    panels = [panel for title, slots in titled.items() if (panel := tracer.panel(title, slots))]
    beside = [tracer.beside(each) for each in printed(curve.target, ours.roles)]
    beside = [each for each in beside if each.points]
    fitting = [each for each in beside if _same_unit(each, tracer.measure)]
    placed, apart = _placed(panels, fitting, ours)
    other = [replace(each, reasons=("another unit",)) for each in beside if each not in fitting]
    return Traced(curve, tracer.measure, list(ours.roles), placed, [*apart, *other])


def _same_unit(line: Beside, measure: Measure) -> bool:
    return (line.printed.unit == "percent") == (measure.unit == "%")


@dataclass(frozen=True)
class _Tracer:
    """What all panels of one curve share."""

    curve: Curve
    plan: Plan
    entries: Mapping[str, Entry]
    ours: Crossing
    measure: Measure

    def panel(self, title: str, slots: Sequence[Slot]) -> Panel | None:
        """Its lines that have at least one point; None where there is none."""
        but = [self.curve.panels] if self.curve.panels else []
        named = zip(names_of(slots, but), slots, strict=True)
        lines = [self._line(name, slot) for name, slot in named]
        lines = [line for line in lines if any(point.summary for point in line.points)]
        levels = self._zero_shot(lines)
        return Panel(title, lines, levels) if lines else None

    def _line(self, name: str, slot: Slot) -> Line:
        points: list[Point] = []
        told: dict[str, list[str]] = {}
        for label in self.ours.roles:
            value = self.ours.values.get((label, slot))
            if value is None:
                continue
            points.append(Point(label, self._x(label, value), value.summary))
            for remark in caveats(value):
                told.setdefault(remark, []).append(label)
        points.sort(key=lambda point: (math.isnan(point.x), point.x))
        there = [(point.x, point.summary.mean) for point in points if point.summary]
        every = [label for label in told.values() if len(label) == len(points)]
        said = tuple(
            remark if at in every else f"at {', '.join(at)}: {remark}"
            for remark, at in told.items()
        )
        return Line(name or self.measure.label, slot, points, self._robust(there), said)

    def _x(self, label: str, value: Value | None) -> float:
        if self.curve.scale == "labels":
            return float([*self.ours.roles].index(label))
        if self.curve.x == "trainable_parameters":
            count = value.trainable if value else None
            return math.nan if count is None else float(count)
        number = self.ours.roles[label].value
        return float(number) if isinstance(number, int | float) else math.nan

    def _robust(self, points: Sequence[tuple[float, float]]) -> Robustness | None:
        """Of accuracies along numbers above zero."""
        if self.curve.scale == "labels" or self.measure.better != "higher":
            return None
        return robustness([point for point in points if point[0] > 0])

    def _zero_shot(self, lines: Sequence[Line]) -> list[Level]:
        """What zero-shot cells score beneath the lines, each once."""
        along = {e.cell.id for value in self.ours.values.values() for e in value.entries}
        cells = [cell for cell in self.plan.cells if cell.config.get("method") == "tp"]
        found: dict[tuple[str, ...], Level] = {}
        for line in lines:
            columns = self.ours.columns(line.slot)
            under = [next((c.id for c in cells if stands_in(c, each)), "") for each in columns]
            if all(under) and along.isdisjoint(under):
                values = [value_of(self.entries[each], self.curve.measure) for each in under]
                level = average_of(values).summary
                if level is not None:
                    name = f"{line.name}: {ZERO_SHOT}"
                    found.setdefault(tuple(under), Level(name, level.mean, line))
        if len(found) == 1 < len(lines):
            return [Level(ZERO_SHOT, level.mean, None) for level in found.values()]
        return list(found.values())

    def beside(self, line: Printed) -> Beside:
        """The paper's points that have a place on the axis."""
        points = []
        for _, label, value in line.points:
            known = label in self.ours.roles
            x = self._x(label, None) if known else math.nan
            if not known and self.curve.scale != "labels" and self.curve.x == "setting":
                x = float(label) if label.replace(".", "", 1).isdecimal() else math.nan
            if not math.isnan(x):
                points.append((x, value))
        percent = [(x, value / 100) for x, value in points]
        robust = self._robust(percent) if line.unit == "percent" else None
        return Beside(line, sorted(points), robust)


def _placed(
    panels: Sequence[Panel], beside: Sequence[Beside], ours: Crossing
) -> tuple[list[Panel], list[Beside]]:
    """The paper's lines on the axes of our lines that they are comparable with; the others."""
    on: dict[int, list[tuple[Line, Beside]]] = {}
    apart = []
    for each in beside:
        reasons: dict[str, None] = {}
        fits = False
        for place, panel in enumerate(panels):
            for line in panel.lines:
                against = each.printed.against(ours, line.slot)
                if against is None:
                    continue
                if not against:
                    on.setdefault(place, []).append((line, each))
                    fits = True
                    break
                reasons |= dict.fromkeys(against)
        if not fits:
            apart.append(replace(each, reasons=tuple(reasons)))
    placed = [replace(panel, beside=on.get(place, ())) for place, panel in enumerate(panels)]
    return placed, apart
