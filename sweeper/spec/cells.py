"""Points of a sweep -> cells: identical ones become one, refusals become reasons or mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sweeper.spec.condition import Condition, holds
from sweeper.spec.expand import Point
from sweeper.spec.node import Mistakes
from sweeper.spec.plan import Cell
from sweeper.spec.resolver import Found, Resolver
from sweeper.spec.trial import TrialSpec


def cells(
    points: Sequence[Point],
    resolver: Resolver,
    *,
    seeds: Sequence[int],
    exclude: Sequence[Condition],
    mistakes: Mistakes,
) -> tuple[Cell, ...]:
    """The cells of all points, each once, in the order in which they are first asked for."""
    resolved = [(point, found) for point in points if (found := resolver.resolve(point.asked))]
    _refuse_impossible(resolved, mistakes)
    merged: dict[str, Cell] = {}
    for point, found in resolved:
        if found.spec is None:
            continue
        if any(holds(condition, _settings(point, found.spec)) for condition in exclude):
            continue
        cell = _cell(point, found, found.spec, seeds)
        merged[cell.id] = _joined(merged[cell.id], cell) if cell.id in merged else cell
    return tuple(merged.values())


def _refuse_impossible(resolved: Sequence[tuple[Point, Found]], mistakes: Mistakes) -> None:
    """What no crossed factor makes possible is a mistake of the file; the rest is a reason.

    Where the base itself is impossible, the same reason is not repeated for every entry.
    """
    groups: dict[tuple[str, ...], list[Found]] = {}
    for point, found in resolved:
        groups.setdefault(point.group, []).append(found)
    said: set[str] = set()
    for group, members in groups.items():
        if not all(found.skip for found in members):
            continue
        first = members[0]
        if group == ("base",):
            said = {found.skip for found in members}
        elif first.skip in said:
            continue
        note_skip(first, mistakes)


def note_skip(found: Found, mistakes: Mistakes) -> None:
    """Note that the backbone cannot carry what was asked for, at the setting to blame."""
    got = f"backbone '{found.backbone}' cannot carry it: {found.skip}"
    mistakes.add(found.blamed.place, got, "settings that it can carry")


def _settings(point: Point, spec: TrialSpec) -> dict[str, Any]:
    """Every setting of the cell, names as they are written in the file."""
    written = {name: node.plain() for name, node in point.asked.settings.items()}
    names = ("method", "backbone", "task", *spec.others)
    return spec.flat() | {name: written[name] for name in names if name in written}


def _cell(point: Point, found: Found, spec: TrialSpec, seeds: Sequence[int]) -> Cell:
    config = spec.flat()
    del config["seed"]
    used = () if found.skip else tuple(seeds) if found.trains else (0,)
    return Cell(
        id=spec.cell_id,
        config=config,
        over=dict(point.over),
        printed=dict(point.printed),
        roles=point.roles,
        base=point.group == ("base",),
        trials=tuple(spec.model_copy(update={"seed": seed}) for seed in used),
        skip=found.skip,
    )


def _joined(first: Cell, again: Cell) -> Cell:
    """One cell for two that compute the same; a factor that makes no difference to it goes."""
    roles = [*first.roles, *(role for role in again.roles if role not in first.roles)]
    over = {name: label for name, label in first.over.items() if again.over.get(name) == label}
    printed = {name: label for name, label in first.printed.items() if name in over}
    changed = {"roles": tuple(roles), "over": over, "printed": printed}
    return first.model_copy(update={**changed, "base": first.base or again.base})
