"""What was trained: the settings that all cells share, and those of the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reports.markdown import escaped
from sweeper.spec.plan import Plan


def settings_text(plan: Plan, trials: pd.DataFrame) -> str:
    """Paragraphs; with them and its row and column, every entry of a table can be read. `trials`
    are those of a `Recording`.
    """
    shared = _shared([cell.config for cell in plan.cells])
    parts = ["## Settings", f"In every cell: {_listed(shared)}."]
    base = _shared([cell.config for cell in plan.cells if cell.base])
    own = {name: value for name, value in base.items() if name not in shared}
    if own:
        parts.append(f"In the base, which each other cell changes in one thing: {_listed(own)}.")
    if rules := _split_rules(trials):
        parts.append(f"Splits, by who says which image belongs to which: {rules}.")
    return "\n\n".join(parts)


def _split_rules(trials: pd.DataFrame) -> str:
    """The rule of each task as its trials recorded it, such as 'dtd split_zhou, pets generated'."""
    found: dict[str, dict[str, None]] = {}
    for trial in trials.to_dict("records"):
        if rule := trial.get("split_rule"):
            found.setdefault(str(trial["config.task"]), {})[str(rule)] = None
    return ", ".join(f"{escaped(task)} {escaped(' and '.join(found[task]))}" for task in found)


def _shared(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all of them say, in the order of the first."""
    first = configs[0] if configs else {}
    return {
        name: value
        for name, value in first.items()
        if all(name in config and config[name] == value for config in configs)
    }


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{escaped(name)} {escaped(value)}" for name, value in settings.items())
