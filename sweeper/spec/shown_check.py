"""What a table, a curve or a figure asks for, against the factors of its sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sweeper.errors import Place
from sweeper.spec.axis import Axis
from sweeper.spec.measure import ANALYSES, ANALYSIS, MEASURES, analysis_of
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.shown import Curve, Figure, Table

_OWN = "an axis of 'ablate', or of a grid in 'parameters'"
NEEDED = {"scatter": ("against", "x", "x_of"), "analysis": ("analysis",)}  # by kind of figure


def check(
    shown: Table | Curve | Figure,
    given: Mapping[str, Node],
    place: Place,
    axes: Mapping[str, Axis],
    over: Mapping[str, Axis],
    mistakes: Mistakes,
) -> bool:
    """Whether the sweep can show it; notes everything that it cannot."""
    before = len(mistakes.found)

    def at(word: str) -> Place:
        return given[word].place if word in given else place

    def known(word: str, names: Iterable[str], among: Iterable[str], rule: str) -> None:
        for name in set(names) - set(among):
            mistakes.unknown(at(word), word, name, among, rule)

    known("axis", [shown.axis], axes, _OWN)
    for word, names in _crossed(shown):
        known(word, names, over, "a factor of 'over'")
    if shown.averages and shown.across in over:
        members = [label for labels in shown.averages.values() for label in labels]
        known("averages", members, _labels(over, shown.across), f"values of '{shown.across}'")
    for word, name in (("measure", shown.measure), ("x", getattr(shown, "x", ""))):
        _check_measure(word, name, shown, at(word), mistakes)
    if isinstance(shown, Curve) and shown.x == "trainable_parameters":
        if shown.scale == "labels":
            got = "x: trainable_parameters on a scale of labels"
            mistakes.add(at("scale"), got, "`scale: log` or `scale: linear`")
    elif isinstance(shown, Curve) and shown.axis in axes:
        text = _not_a_number(axes[shown.axis])
        if text and shown.scale != "labels":
            got = f"a curve along '{shown.axis}', which holds '{text}'"
            rule = "an axis whose values are numbers"
            mistakes.add(at("axis"), got, rule, "Or `scale: labels`.")
    if isinstance(shown, Figure) and shown.axis in axes:
        for word, names in _of_axis(shown):
            known(word, names, _labels(axes, shown.axis), f"a label of '{shown.axis}'")
        for word in NEEDED.get(shown.kind, ()):
            if not getattr(shown, word):
                mistakes.add(place, f"{shown.kind} without '{word}'", f"the word '{word}' too")
        known("analysis", {shown.analysis} - {""}, ANALYSES, "a name of `sweeper analyse`")
    return len(mistakes.found) == before


def _crossed(shown: Table | Curve | Figure) -> Iterator[tuple[str, Sequence[str]]]:
    """Each word that names crossed factors, with those that it names."""
    if isinstance(shown, Table):
        yield "rows", shown.rows
    if isinstance(shown, Curve) and shown.panels:
        yield "panels", [shown.panels]
    needed = isinstance(shown, Figure) and shown.kind in ("scatter", "heatmap")
    if shown.averages or needed or "across" in shown.model_fields_set:
        yield "across", [shown.across]


def _of_axis(figure: Figure) -> Iterator[tuple[str, Sequence[str]]]:
    """Each word of a figure that names labels of its axis, with those that it names."""
    yield "of", figure.of
    yield "against", [figure.against] if figure.against else []
    yield "x_of", [figure.x_of] if figure.x_of else []


def _labels(axes: Mapping[str, Axis], name: str) -> list[str]:
    return [entry.label for entry in axes[name].entries]


def _check_measure(
    word: str, name: str, shown: Table | Curve | Figure, place: Place, mistakes: Mistakes
) -> None:
    if not name or name in MEASURES or (word == "x" and isinstance(shown, Curve)):
        return
    if analysis_of(name) not in ANALYSES:
        rule = f"one of {', '.join(MEASURES)}, or {ANALYSIS}<{'|'.join(ANALYSES)}>/<result>"
        mistakes.unknown(place, word, name, MEASURES, rule)


def _not_a_number(axis: Axis) -> str:
    """The label of the first entry that has no place on a line of numbers; empty if none."""
    for entry in axis.entries:
        if isinstance(entry.value, bool) or not isinstance(entry.value, int | float):
            return entry.label
    return ""
