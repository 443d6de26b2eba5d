"""Points: what a label gains over another one, against a measure, for each value of a factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.average import pictured
from reports.bars import shown_labels
from reports.crossing import crossing, names_of
from reports.document import Block, Grid, Picture, Text, text
from reports.drawing.scatter import Cloud, draw_points
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.query import Recording
from reports.value import Value, less
from reports.wording import explained, gain_in_unit, how_to_read, in_unit, scaled, value_text
from sweeper.spec.measure import measure_of
from sweeper.spec.plan import Plan
from sweeper.spec.shown import Figure

FEWEST = 5  # points that a correlation is said of


@dataclass(frozen=True)
class Dot:
    """One value of the factor: x, and the paired difference. Both have a mean."""

    name: str
    x: Value
    gain: Value


def scatter_blocks(
    figure: Figure, recording: Recording, entries: Mapping[str, Entry]
) -> list[Block]:
    """The picture, the numbers behind it, and the rank correlation of each label."""
    found = measured(figure, recording.plan, entries)
    if not found:
        return []
    y, x = measure_of(figure.measure), measure_of(figure.x)
    clouds = [
        Cloud(name, [(d.name, d.x.mean * x.scale, *scaled(d.gain.summary, y)) for d in dots])
        for name, dots in found.items()
    ]
    gain = gain_in_unit(y, figure.against)
    name = f"figure_{figure.id}"
    files = draw_points(clouds, f"{in_unit(x)} ({figure.x_of})", gain)
    return [Picture(name, figure.title, files), _grid(name, figure, found)]


def measured(figure: Figure, plan: Plan, entries: Mapping[str, Entry]) -> dict[str, list[Dot]]:
    """Label, with the other factors -> its dots; what lacks x or the difference is left out."""
    ours = crossing(figure, plan, entries, pictured)
    beneath = crossing(figure, plan, entries, pictured, measure=figure.x).values
    slots = ours.singles
    found: dict[str, list[Dot]] = {}
    for label in shown_labels(figure, ours):
        for slot, rest in zip(slots, names_of(slots, [figure.across]), strict=True):
            value, other = (ours.values.get((each, slot)) for each in (label, figure.against))
            x = beneath.get((figure.x_of, slot))
            gain = less(value, other, figure.against) if value and other else None
            if gain and gain.summary and x and x.summary:
                dot = Dot(slot.value(figure.across), x, gain)
                found.setdefault(", ".join(filter(None, (label, rest))), []).append(dot)
    return found


def rank_correlation(dots: Sequence[Dot]) -> float | None:
    """Spearman's, of x and the mean difference; None for few dots, or where one is constant."""
    from scipy.stats import spearmanr

    x, y = [dot.x.mean for dot in dots], [dot.gain.mean for dot in dots]
    if len(dots) < FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    return float(spearmanr(x, y).statistic)


def _grid(name: str, figure: Figure, found: Mapping[str, Sequence[Dot]]) -> Grid:
    y, x = measure_of(figure.measure), measure_of(figure.x)
    rows: list[list[Text]] = []
    rules, notes = [], []
    places = {
        f"{dot.name}, {label}{of}": value
        for label, dots in found.items()
        for dot in dots
        for of, value in ((f" ({figure.x_of})", dot.x), ("", dot.gain))
    }
    signs = Footnotes.of(value.remarks for value in places.values())
    for label, dots in found.items():
        rules += [len(rows)] if rows else []
        for dot in sorted(dots, key=lambda dot: dot.x.mean):
            named = [text(dot.name), text(label), value_text(dot.x, x, signs)]
            rows.append([*named, value_text(dot.gain, y, signs, sign=True)])
        rho = rank_correlation(dots)
        if rho is not None:
            notes.append(f"{label}: Spearman's rank correlation {rho:+.2f}, n = {len(dots)}.")
        else:
            why = "constant" if len(dots) >= FEWEST else f"fewer than {FEWEST} points"
            notes.append(f"{label}: no rank correlation, n = {len(dots)} ({why}).")
    headers = [figure.across, figure.axis, f"{in_unit(x)} ({figure.x_of})"]
    headers.append(f"{in_unit(y)}: paired difference to {figure.against}")
    read = how_to_read(places.values())
    told = [f"{read[0].upper()}{read[1:]}", *notes]
    return Grid(
        [*map(text, headers)],
        rows,
        labels=2,
        name=name,
        notes=[*map(text, told), *signs.texts(), *explained(places)],
        rules=rules,
    )
