"""Points: what a label gains over another one, against a measure, for each value of a factor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.amount import Amount, amount_text, gain_in_unit, in_unit, written
from reports.bars import shown_labels
from reports.crossing import Crossing, crossing
from reports.document import Block, Grid, Picture, Text, text
from reports.drawing.scatter import Cloud, draw_points
from reports.entry import Entry
from reports.footnote import Footnotes, reference
from reports.query import Recording
from sweeper.spec.measure import Measure, measure_of
from sweeper.spec.shown import Figure
from sweeper.tracking.summary import Summary

FEWEST = 5  # points that a correlation is said of


@dataclass(frozen=True)
class Dot:
    """One value of the factor: x, the paired difference, and what is told of it."""

    name: str
    x: Summary
    gain: Summary
    told: Amount


def scatter_blocks(
    figure: Figure, recording: Recording, entries: Mapping[str, Entry]
) -> list[Block]:
    """The picture, the numbers behind it, and the rank correlation of each label."""
    ours = crossing(figure.axis, recording.plan, entries)
    found = measured(figure, ours, reference(recording.plan))
    if not found:
        return []
    y, x = measure_of(figure.measure), measure_of(figure.x)
    clouds = [
        Cloud(name, [(dot.name, *_drawn(dot, x, y)) for dot in dots])
        for name, dots in found.items()
    ]
    gain = gain_in_unit(y, figure.against)
    name = f"figure_{figure.id}"
    files = draw_points(clouds, f"{in_unit(x)} ({figure.x_of})", gain)
    return [Picture(name, figure.title, files), _grid(name, figure, found)]


def measured(figure: Figure, ours: Crossing, base: Mapping[str, object]) -> dict[str, list[Dot]]:
    """Label, with the other factors -> its dots; what lacks x or the difference is left out."""
    groups = ours.singles()
    rests = ours.names(groups, [figure.across])
    found: dict[str, list[Dot]] = {}
    for label in shown_labels(figure, ours):
        for group, rest in zip(groups, rests, strict=True):
            value = ours.at(label, group, figure.measure)
            other = ours.at(figure.against, group, figure.measure)
            beneath = ours.at(figure.x_of, group, figure.x)
            told = Amount.of(value, base, other) if other else None
            x = beneath.summary if beneath else None
            if told is not None and told.summary is not None and x is not None:
                dot = Dot(group.value(figure.across), x, told.summary, told)
                found.setdefault(", ".join(filter(None, (label, rest))), []).append(dot)
    return found


def rank_correlation(dots: Sequence[Dot]) -> float | None:
    """Spearman's, of x and the mean difference; None for few dots, or where one is constant."""
    from scipy.stats import spearmanr

    x, y = [dot.x.mean for dot in dots], [dot.gain.mean for dot in dots]
    if len(dots) < FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    return float(spearmanr(x, y).statistic)


def _drawn(dot: Dot, x: Measure, y: Measure) -> tuple[float, float, float]:
    half = math.nan if dot.gain.ci95 is None else dot.gain.ci95 * y.scale
    return dot.x.mean * x.scale, dot.gain.mean * y.scale, half


def _grid(name: str, figure: Figure, found: Mapping[str, Sequence[Dot]]) -> Grid:
    y, x = measure_of(figure.measure), measure_of(figure.x)
    rows: list[list[Text]] = []
    rules, notes = [], []
    signs = Footnotes.of(dot.told.remarks for dots in found.values() for dot in dots)
    for label, dots in found.items():
        rules += [len(rows)] if rows else []
        for dot in sorted(dots, key=lambda dot: dot.x.mean):
            named = [text(dot.name), text(label), text(written(dot.x, x))]
            rows.append([*named, amount_text(dot.told, y, signs, signed=True)])
        rho = rank_correlation(dots)
        if rho is not None:
            notes.append(f"{label}: Spearman's rank correlation {rho:+.2f}, n = {len(dots)}.")
        else:
            why = "constant" if len(dots) >= FEWEST else f"fewer than {FEWEST} points"
            notes.append(f"{label}: no rank correlation, n = {len(dots)} ({why}).")
    headers = [figure.across, figure.axis, f"{in_unit(x)} ({figure.x_of})"]
    headers.append(f"{in_unit(y)}: paired difference to {figure.against}")
    told = "Mean ± half width of the 95 % Student-t interval (seeds)."
    return Grid(
        [*map(text, headers)],
        rows,
        labels=2,
        name=name,
        notes=[text(line) for line in (told, *notes, *signs.lines())],
        rules=rules,
    )
