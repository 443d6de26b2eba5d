"""What a sweep asks for, point by point: base, one factor at a time, a grid, each crossed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sweeper.spec.axis import Axis, Entry
from sweeper.spec.condition import Condition, active
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.plan import Role
from sweeper.spec.resolver import Asked

_MOST = 10_000  # points of one sweep


@dataclass(frozen=True)
class Point:
    """One cell as it is asked for. Points of one `group` differ only in what is crossed."""

    asked: Asked
    group: tuple[str, ...]
    over: Mapping[str, str]
    roles: tuple[Role, ...] = ()
    printed: Mapping[str, str] = field(default_factory=dict)  # as `Cell.printed`


def crossings(over: Sequence[Axis]) -> list[dict[str, Entry]]:
    """Every combination of the crossed factors: one empty one when there are none."""
    names = [axis.name for axis in over]
    products = itertools.product(*(axis.entries for axis in over))
    return [dict(zip(names, entries, strict=True)) for entries in products]


def expand(
    base: Node,
    *,
    over: Sequence[Axis],
    ablate: Sequence[Axis],
    grid: Sequence[Axis],
    when: Mapping[str, Condition],
    defaults: Mapping[str, Any],
    mistakes: Mistakes,
) -> list[Point]:
    """All points, in the order of the file; `defaults` are the settings below the base."""
    columns = math.prod(len(axis.entries) for axis in over)
    rows = int(bool(ablate or not grid)) + sum(len(axis.entries) for axis in ablate)
    size = columns * (rows + (math.prod(len(axis.entries) for axis in grid) if grid else 0))
    if size > _MOST:
        where = (grid or over or ablate)[0].node.start
        mistakes.add(where, f"{size} cells", f"at most {_MOST}", "Use `search` for large spaces.")
        return []
    _refuse_overlap(over, [*ablate, *grid], mistakes)
    points: list[Point] = []
    for crossing in crossings(over):
        first = len(points)
        labels = {name: entry.label for name, entry in crossing.items()}
        changes = {
            name: node for entry in crossing.values() for name, node in entry.changes.items()
        }
        crossed = frozenset(changes)
        settings = {**base.items, **changes}
        if ablate or not grid:
            points.append(Point(Asked(settings, base, crossed=crossed), ("base",), labels))
        for axis in ablate:
            for place, entry in enumerate(axis.entries):
                asked = Asked(
                    {**settings, **entry.changes}, entry.node, frozenset(entry.changes), crossed
                )
                roles = (_role(axis.name, entry, place),)
                points.append(Point(asked, ("ablate", axis.name, entry.label), labels, roles))
        under = {**defaults, **{name: node.plain() for name, node in settings.items()}}
        points += [
            _grid_point(chosen, settings, crossed, labels, when, under)
            for chosen in (crossings(grid) if grid else [])
        ]
        printed = {n: entry.target_row for n, entry in crossing.items() if entry.target_row}
        points[first:] = [replace(point, printed=printed) for point in points[first:]]
    return points


def _grid_point(
    chosen: Mapping[str, Entry],
    settings: Mapping[str, Node],
    crossed: frozenset[str],
    labels: Mapping[str, str],
    when: Mapping[str, Condition],
    under: Mapping[str, Any],
) -> Point:
    """One combination of the grid; a parameter whose condition fails keeps the base's value.

    In a grid of several parameters each is a coordinate as well: a table along one of them has
    the others for columns.
    """
    kept = active(when, {name: entry.value for name, entry in chosen.items()}, under)
    varied = {name: entry for name, entry in chosen.items() if name in kept}
    changes = {name: node for entry in varied.values() for name, node in entry.changes.items()}
    where = next(iter((varied or chosen).values())).node
    also = {name: entry.label for name, entry in varied.items()} if len(chosen) > 1 else {}
    group = ("grid", *(f"{name}={entry.label}" for name, entry in varied.items()))
    roles = tuple(_role(name, entry) for name, entry in varied.items())
    asked = Asked({**settings, **changes}, where, frozenset(changes), crossed)
    return Point(asked, group, {**labels, **also}, roles)


def _role(axis: str, entry: Entry, place: int = 0) -> Role:
    own = {"label": entry.label, "value": entry.value, "target_row": entry.target_row}
    return Role(axis=axis, place=place, **own)


def _refuse_overlap(over: Sequence[Axis], rows: Sequence[Axis], mistakes: Mistakes) -> None:
    """A factor that is crossed with every cell is changed by nothing else."""
    crossed: dict[str, str] = {}  # setting -> the factor that changes it
    for axis in [*over, *rows]:
        for entry in axis.entries:
            for name, node in entry.changes.items():
                if crossed.get(name, axis.name) != axis.name or (name in crossed and axis in rows):
                    got = f"'{name}' is already crossed in 'over'"
                    mistakes.add(node.place, got, "each factor in one place")
        if axis in over:
            crossed |= {name: axis.name for entry in axis.entries for name in entry.changes}
