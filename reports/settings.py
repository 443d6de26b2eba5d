"""What was trained: the settings that all cells share, and those of the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reports.document import Block, Heading, Paragraph, text
from sweeper.spec.plan import Plan


def settings_blocks(plan: Plan, trials: pd.DataFrame) -> list[Block]:
    """Paragraphs; with them and its row and column, every entry of a table can be read. `trials`
    are those of a `Recording`. Empty where a plan has no cells.
    """
    if not plan.cells:
        return []
    shared = _shared([cell.config for cell in plan.cells])
    parts = [f"In every cell: {_listed(shared)}."] if shared else []
    base = _shared([cell.config for cell in plan.cells if cell.base])
    own = {name: value for name, value in base.items() if name not in shared}
    if own:
        parts.append(f"In the base, which each other cell changes in one thing: {_listed(own)}.")
    if rules := _split_rules(trials):
        parts.append(f"Splits, by who says which image belongs to which: {rules}.")
    return [Heading(2, "Settings"), *(Paragraph(text(part)) for part in parts)]


def _split_rules(trials: pd.DataFrame) -> str:
    """The rule of each task as its trials recorded it, such as 'dtd split_zhou, pets generated'."""
    if "split_rule" not in trials:
        return ""
    told = trials.loc[trials["split_rule"] != "", ["config.task", "split_rule"]].drop_duplicates()
    found = told.groupby("config.task", sort=False)["split_rule"].agg(" and ".join)
    return ", ".join(f"{task} {rules}" for task, rules in found.items())


def _shared(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all of them say, in the order of the first."""
    first = configs[0] if configs else {}
    return {
        name: value
        for name, value in first.items()
        if all(name in config and config[name] == value for config in configs)
    }


def _listed(settings: Mapping[str, Any]) -> str:
    told = {name: "''" if value == "" else value for name, value in settings.items()}
    return ", ".join(f"{name} {value}" for name, value in told.items())
