"""The sections `metric` and `report`: what a sweep is after, and what its report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sweeper.spec.axis import Axis
from sweeper.spec.file_name import misfit
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.plan import Metric
from sweeper.spec.section import build, elements, entries, only
from sweeper.spec.shown import Curve, Figure, Table
from sweeper.spec.shown_check import check

WORDS = ("note", "min_seeds", "tables", "curves", "figures")
Each = TypeVar("Each", Table, Curve, Figure)


@dataclass(frozen=True)
class Report:
    """The section `report`."""

    note: str
    min_seeds: int
    tables: tuple[Table, ...]
    curves: tuple[Curve, ...]
    figures: tuple[Figure, ...]


def read_metric(
    node: Node | None, known: Sequence[str], default: Metric, mistakes: Mistakes
) -> Metric:
    """One of the metrics `known`; an accuracy is maximized and a loss minimized."""
    if node is None:
        return default
    given = entries(node, "metric", mistakes)
    found = build(Metric, given, node.start, "metric", mistakes)
    if found is None:
        return default
    if found.name not in known:
        place = given["name"].place if "name" in given else node.start
        mistakes.unknown(place, "metric", found.name, known, f"one of {', '.join(known)}")
        return default
    goal = "minimize" if found.name.endswith("loss") else "maximize"
    if "goal" in given and found.goal != goal:
        mistakes.add(given["goal"].place, f"goal: {found.goal} of {found.name}", goal)
    return Metric.model_validate({"name": found.name, "goal": goal})


def read_report(
    node: Node | None, axes: Sequence[Axis], over: Sequence[Axis], mistakes: Mistakes
) -> Report:
    """The report; without `tables`, one table for each of the `axes`. `over`: what is crossed."""
    given = entries(node, "report", mistakes)
    only(given, WORDS, "key of report", mistakes)
    rooms = ({axis.name: axis for axis in axes}, {axis.name: axis for axis in over})
    tables = _shown(Table, given.get("tables"), "report.tables", *rooms, mistakes)
    curves = _shown(Curve, given.get("curves"), "report.curves", *rooms, mistakes)
    figures = _shown(Figure, given.get("figures"), "report.figures", *rooms, mistakes)
    if "tables" not in given:
        tables = [Table(id=axis.name, title=axis.name, axis=axis.name) for axis in axes]
    return Report(
        note=_note(given, mistakes),
        min_seeds=_min_seeds(given, mistakes),
        tables=tuple(tables),
        curves=tuple(curves),
        figures=tuple(figures),
    )


def _shown(
    model: type[Each],
    node: Node | None,
    what: str,
    axes: Mapping[str, Axis],
    over: Mapping[str, Axis],
    mistakes: Mistakes,
) -> list[Each]:
    found: dict[str, Each] = {}
    for each in elements(node, what, mistakes):
        given = entries(each, f"an entry of {what}", mistakes)
        shown = build(model, given, each.place, f"an entry of {what}", mistakes)
        if shown is None or not check(shown, given, each.place, axes, over, mistakes):
            continue
        if rule := misfit(shown.id):
            mistakes.add(given["id"].place, f"id: {shown.id!r}", rule)
        elif shown.id in found:
            mistakes.add(given["id"].place, f"id '{shown.id}' stands twice", "ids that differ")
        else:
            found[shown.id] = shown
    return list(found.values())


def _note(given: Mapping[str, Node], mistakes: Mistakes) -> str:
    node = given.get("note")
    if node is None or isinstance(node.value, str):
        return str(node.value) if node is not None else ""
    mistakes.add(node.place, f"note: {node.kind}", "a text")
    return ""


def _min_seeds(given: Mapping[str, Node], mistakes: Mistakes) -> int:
    node = given.get("min_seeds")
    if node is None:
        return 3
    if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value >= 1:
        return node.value
    mistakes.add(node.place, f"min_seeds: {node.kind}", "a whole number of at least 1")
    return 3
