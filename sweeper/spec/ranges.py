"""The vocabulary of W&B sweeps for one parameter, read into a search space."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sweeper.errors import nearest
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.section import only
from sweeper.spec.space import Choice, Integers, LogUniform, Space, Uniform

_KEYS = {
    "constant": ("value",),
    "categorical": ("values",),
    "int_uniform": ("min", "max"),
    "uniform": ("min", "max"),
    "q_uniform": ("min", "max", "q"),
    "log_uniform_values": ("min", "max"),
    "q_log_uniform_values": ("min", "max", "q"),
}
KINDS = {Choice: "choice", Integers: "integers", Uniform: "uniform", LogUniform: "log_uniform"}
DISTRIBUTIONS = tuple(_KEYS)
WORDS = ("distribution", "value", "values", "min", "max", "q")


def as_json(space: Space) -> dict[str, Any]:
    """A space as plain data: its kind and its fields."""
    plain: dict[str, Any] = {"kind": KINDS[type(space)], **asdict(space)}
    return plain | {"values": list(space.values)} if isinstance(space, Choice) else plain


def listed(node: Node) -> list[Node]:
    """The nodes of the values that a parameter lists: a list, `values`, or one `value`."""
    values = node.items.get("values") or node.items.get("value") or node
    return [*values.elements] or [values]


def read_space(name: str, node: Node, mistakes: Mistakes) -> Space | None:
    """The space that `node` describes for the parameter `name`; None after noting why not."""
    if node.elements:
        return _choice(name, node, mistakes)
    if not node.items:
        rule = "a list of values, or a mapping with 'values' or with 'min' and 'max'"
        mistakes.add(node.place, f"{name}: {node.kind}", rule)
        return None
    kind = _distribution(name, node, mistakes)
    if kind is None:
        return None
    keys = _KEYS[kind]
    if any(key not in node.items for key in keys):
        missing = " and ".join(f"'{key}'" for key in keys if key not in node.items)
        mistakes.add(node.start, f"{name}: '{kind}' without {missing}", f"{', '.join(keys)}")
        return None
    only(node.items, ["distribution", *keys], f"key of '{kind}'", mistakes)
    if kind in ("constant", "categorical"):
        return _choice(name, node.items[keys[0]], mistakes)
    return _range(name, kind, node, mistakes)


def _distribution(name: str, node: Node, mistakes: Mistakes) -> str | None:
    written = node.items.get("distribution")
    if written is None:
        if "values" in node.items or "value" in node.items:
            return "categorical" if "values" in node.items else "constant"
        bounds = [node.items[key].value for key in ("min", "max") if key in node.items]
        whole = all(isinstance(bound, int) for bound in bounds)
        if "q" in node.items:
            return "q_uniform"
        return "int_uniform" if whole else "uniform"
    kind = str(written.value)
    if kind in _KEYS:
        return kind
    hint = nearest(kind, DISTRIBUTIONS)
    if kind in ("log_uniform", "q_log_uniform"):
        hint = f"Its bounds are exponents; write {kind}_values, whose bounds are values."
    mistakes.add(written.place, f"{name}: distribution '{kind}'", "one that is offered here", hint)
    return None


def _choice(name: str, node: Node, mistakes: Mistakes) -> Space | None:
    values = node.elements or ((node,) if node.scalar else ())
    if not values or any(not each.scalar or each.value is None for each in values):
        mistakes.add(node.place, f"{name}: {node.kind}", "one plain value or more")
        return None
    return Choice(tuple(each.value for each in values))


def _range(name: str, kind: str, node: Node, mistakes: Mistakes) -> Space | None:
    found: list[Any] = []
    whole = kind in ("int_uniform", "q_log_uniform_values")
    for key in _KEYS[kind]:
        each = node.items[key]
        if isinstance(each.value, bool) or not isinstance(
            each.value, int if whole else int | float
        ):
            rule = "a whole number" if whole else "a number"
            mistakes.add(each.place, f"{name}.{key}: {each.kind}", rule)
            return None
        found.append(each.value)
    low, high = found[:2]
    if kind == "q_log_uniform_values" and found[2] != 1:
        mistakes.add(node.items["q"].place, f"{name}.q: {found[2]}", "1, which is whole numbers")
        return None
    try:
        if kind == "int_uniform":
            return Integers(low, high)
        if kind == "q_log_uniform_values":
            return Integers(low, high, log=True)
        if kind == "log_uniform_values":
            return LogUniform(float(low), float(high))
        return Uniform(float(low), float(high), float(found[2]) if len(found) == 3 else None)
    except ValueError:
        positive = kind in ("log_uniform_values", "q_log_uniform_values")
        rule = "0 < min <= max" if positive else "min <= max, and q > 0 where there is one"
        mistakes.add(node.items["min"].place, f"{name}: min {low}, max {high}", rule)
        return None
