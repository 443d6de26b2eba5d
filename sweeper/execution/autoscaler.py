"""What Ray's cluster launcher wrote down about the nodes that it may still start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CONFIG = Path("~/ray_bootstrap_config.yaml")  # on the head of a cluster made by `ray up`


def addable(config: Path) -> tuple[Mapping[str, float], ...] | None:
    """Resources of each node that may be added; None where the file does not say.

    Of a provider of machines, `ray up` has filled in what each type of them has. That all types
    together have a most as well is not looked at: what does not fit on all of these will never fit.
    """
    said: dict[str, Any] = YAML(typ="safe", pure=True).load(config) or {}
    most = int(said.get("max_workers", 0))
    found: list[Mapping[str, float]] = []
    for name, kind in (said.get("available_node_types") or {}).items():
        default = 0 if name == said.get("head_node_type") else most
        count = min(int(kind.get("max_workers", default)), most)
        resources = kind.get("resources") or {}
        if count and "CPU" not in resources:
            return None
        found += [resources] * count
    return tuple(found)
