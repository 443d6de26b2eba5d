"""How a measure is read of an entry: its scores by seed."""

from __future__ import annotations

import math

from reports.crossing import Reading
from reports.entry import Entry
from reports.query import Recording
from reports.statistics import Scores
from sweeper.spec.measure import TOP1

COLUMNS = {TOP1: "test_acc", "val/acc": "val_acc", "test/loss": "test_loss"}


def reading(measure: str, recording: Recording) -> Reading:
    """The scores of an entry on `measure`, from the finished trials of its cell."""
    trials = recording.trials
    column = COLUMNS.get(measure, measure if measure in trials else f"measured.{measure}")
    found: dict[str, dict[int, float]] = {}
    if column in trials:
        done = trials[trials["status"] == "finished"]
        for cell, seed, value in zip(done["cell"], done["seed"], done[column], strict=True):
            if math.isfinite(value):
                found.setdefault(str(cell), {})[int(seed)] = float(value)

    def read(entry: Entry) -> Scores:
        if measure == TOP1:
            return entry.scores
        return Scores(found.get(entry.cell.id, {}), entry.scores.deterministic)

    return read
