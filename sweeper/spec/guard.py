"""The protocol guard: no sweep selects on test or mixes protocols without saying so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sweeper.errors import Place
from sweeper.spec.axis import Axis
from sweeper.spec.catalog import MethodEntry
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.plan import Cell
from sweeper.spec.protocol import DEFAULTS, protocol_of
from sweeper.spec.shown import Curve, Figure, Table

OFFICIAL = "official"  # the preset that is what a paper's public code does
TESTED = ("selection", "best_test")


def selects_on_test(entry: MethodEntry) -> bool:
    """Whether the public code of the method selects on test."""
    return TESTED in entry.presets().get(OFFICIAL, {}).items()


def lent(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` of another method's preset: what its code selects on is not taken over."""
    return {name: value for name, value in settings.items() if (name, value) != TESTED}


def check_selection(
    settings: Mapping[str, Node], entry: MethodEntry, method: Node, mistakes: Mistakes
) -> bool:
    """Whether `settings` may select as they do; notes why not."""
    node, preset = settings.get("selection"), settings.get("preset")
    if node is None or node.value != "best_test" or not entry.trains:
        return True
    if preset is not None and preset.value == OFFICIAL and selects_on_test(entry):
        return True
    hint = f"The public code of method '{method.value}' does not do so."
    if selects_on_test(entry):
        hint = f"Write `preset: {OFFICIAL}` for what the public code of '{method.value}' does."
    got = "selection: best_test reads the test split to select"
    mistakes.add(node.place, got, "last or best_val", hint)
    return False


def refuse_mixed(
    tables: Sequence[Table],
    curves: Sequence[Curve],
    figures: Sequence[Figure],
    cells: Sequence[Cell],
    report: Node | None,
    axes: Sequence[Axis],
    mistakes: Mistakes,
) -> None:
    """Note each table with two protocols in a row, and each curve or figure with two, that does
    not ask for it. The own axis of a curve may be of the protocol.
    """
    places = dict(_places(report, axes))
    for table in tables:
        rows: dict[str, list[Cell]] = {}
        for label, cell in _members(table.axis, cells):
            rows.setdefault(label, []).append(cell)
        for label, row in rows.items():
            if not table.mixed_protocols and (mixed := _mixed(row)):
                what = f"table '{table.id}', row '{label}'"
                _note(places["tables", table.id], what, mixed, "a row", mistakes)
                break  # one row tells what is to be done
    drawn: list[tuple[str, str, Curve | Figure]]
    drawn = [("curves", "curve", each) for each in curves]
    drawn += [("figures", "figure", each) for each in figures if each.kind != "analysis"]
    for section, kind, each in drawn:
        mixed = _mixed(cell for _, cell in _members(each.axis, cells))
        mixed.pop(each.axis, None)
        if mixed and not each.mixed_protocols:
            what, one = f"{kind} '{each.id}'", f"a {kind}"
            _note(places[section, each.id], what, mixed, one, mistakes)


def _members(axis: str, cells: Sequence[Cell]) -> Iterator[tuple[str, Cell]]:
    for cell in cells:
        for role in cell.roles:
            if role.axis == axis and not cell.skip:
                yield role.label, cell


def _mixed(cells: Iterable[Cell]) -> dict[str, list[Any]]:
    """Field of the protocol -> its values, where there are several."""
    protocols = [protocol_of(cell.config) for cell in cells]
    values = {
        name: list(dict.fromkeys(each[name] for each in protocols if name in each))
        for name in DEFAULTS
    }
    return {name: found for name, found in values.items() if len(found) > 1}


def _note(
    where: Place, what: str, mixed: Mapping[str, list[Any]], one: str, mistakes: Mistakes
) -> None:
    said = "; ".join(
        f"{name} {' and '.join(str(value) for value in values)}" for name, values in mixed.items()
    )
    hint = "With `mixed_protocols: true` in its entry under 'report', each departure is marked."
    mistakes.add(where, f"{what} mixes protocols: {said}", f"one protocol in {one}", hint)


def _places(
    report: Node | None, axes: Sequence[Axis]
) -> Iterator[tuple[tuple[str, object], Place]]:
    """Where each of them is written; a table that nobody wrote is its axis."""
    for axis in axes:
        yield ("tables", axis.name), axis.node.start
    for section in ("tables", "curves", "figures"):
        node = report.items.get(section) if report is not None else None
        for each in node.elements if node is not None else ():
            if "id" in each.items:
                yield (section, each.items["id"].value), each.place
