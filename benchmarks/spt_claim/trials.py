"""trials.csv: a line for each trial that ended, added when it ends."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One line of trials.csv."""

    trial_id: str
    purpose: str  # choice: of the learning rate, tested on held-out training images; or claim
    depth: str
    length: int
    strategy: str
    seed: int
    lr: float
    acc: float
    images: int
    construction_seconds: float
    seconds: float
    status: str


def append(out: Path, trial: Trial) -> None:
    """Add a line to trials.csv."""
    path = out / "trials.csv"
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(trial)))
        if fresh:
            writer.writeheader()
        writer.writerow(asdict(trial))


def read(out: Path) -> Iterator[Trial]:
    """The lines of trials.csv."""
    path = out / "trials.csv"
    if not path.exists():
        return
    kinds: dict[str, Callable[[str], Any]] = {"length": int, "seed": int, "images": int}
    kinds |= dict.fromkeys(("lr", "acc", "construction_seconds", "seconds"), float)
    for row in csv.DictReader(path.read_text().splitlines()):
        yield Trial(**{name: kinds.get(name, str)(value) for name, value in row.items()})
