"""A configuration that a search drew: its settings as its space has them, and as written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeper.spec.plan import Search


def settings(search: Search, trial: Mapping[Any, Any]) -> dict[str, Any]:
    """The searched parameters that the trial has, values that its space could give."""
    found = {name: trial.get(f"config.{name}") for name in search.space}
    return {
        name: _own(search.space[name], value)
        for name, value in found.items()
        if not absent(value) and _inside(search.space[name], value)
    }


def _own(plain: Mapping[str, Any], value: Any) -> Any:
    """`value` as the space has it: in a column with holes, 16 is 16.0 to pandas."""
    if plain["kind"] == "choice":
        return next(each for each in plain["values"] if each == value)
    return int(value) if plain["kind"] == "integers" else value


def _inside(plain: Mapping[str, Any], value: Any) -> bool:
    """Not so where a condition left a trial with the base's value."""
    if plain["kind"] == "choice":
        return value in plain["values"]
    return bool(plain["low"] <= value <= plain["high"])


def absent(value: object) -> bool:
    """Whether pandas has no value there."""
    return value is None or value != value


def typed(value: object) -> str:
    """As it is typed: a whole number in a column with holes is a float to pandas."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def setting(value: object) -> str:
    """As it stands in a table; empty where there is none."""
    if absent(value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(fraction: float) -> str:
    """An accuracy, without its sign; empty where there is none."""
    return f"{100 * fraction:.1f}" if fraction == fraction else ""


def count(value: float) -> str:
    """A whole number; empty where there is none."""
    return f"{value:,.0f}" if value == value else ""
