"""Names of classes that a release does not have in its files, from `classes.json`, by label."""

from __future__ import annotations

import json
from pathlib import Path


def names_of(release: str) -> tuple[str, ...]:
    """The classes of `release`, in the order of their labels."""
    path = Path(__file__).with_name("classes.json")
    return tuple(json.loads(path.read_text(encoding="utf-8"))[release])
