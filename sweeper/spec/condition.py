"""`when` and `exclude`: where a parameter varies, and which combinations are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sweeper.spec.node import Mistakes, Node, Scalar
from sweeper.spec.section import elements, entries

Condition = Mapping[str, list[Scalar]]  # setting -> the values that it may hold


def holds(condition: Condition, settings: Mapping[str, Any]) -> bool:
    """Whether every setting of `condition` holds one of its values."""
    return all(name in settings and settings[name] in values for name, values in condition.items())


def active(
    when: Mapping[str, Condition], drawn: Mapping[str, Any], under: Mapping[str, Any]
) -> dict[str, Any]:
    """The drawn settings whose condition holds, given the others that are active and `under`."""
    kept = dict(drawn)
    while True:
        settings = {**under, **kept}
        left = {
            name: value
            for name, value in kept.items()
            if name not in when or holds(when[name], settings)
        }
        if len(left) == len(kept):
            return kept
        kept = left


def read_when(
    node: Node | None, varying: Collection[str], known: Collection[str], mistakes: Mistakes
) -> dict[str, Condition]:
    """Conditions by the parameter that they bind."""
    found = {}
    for name, each in entries(node, "when", mistakes).items():
        if name not in varying:
            rule = "one of 'parameters'"
            mistakes.unknown(each.start, "parameter", name, varying, rule)
        found[name] = _condition(each, known, mistakes)
    return found


def read_exclude(node: Node | None, known: Collection[str], mistakes: Mistakes) -> list[Condition]:
    """Combinations of settings, each one condition."""
    return [_condition(each, known, mistakes) for each in elements(node, "exclude", mistakes)]


def _condition(node: Node, known: Collection[str], mistakes: Mistakes) -> Condition:
    found: dict[str, list[Scalar]] = {}
    if not node.items:
        mistakes.add(node.place, f"a condition: {node.kind}", "a mapping: setting to value or list")
    for name, each in node.items.items():
        if name not in known:
            mistakes.unknown(each.start, "setting", name, known, "a setting of this sweep")
        values = each.elements or (each,)
        found[name] = [value.plain() for value in values if value.scalar]
        if len(found[name]) < len(values):
            mistakes.add(each.place, f"{name}: {each.kind}", "a value, or a list of values")
    return found
