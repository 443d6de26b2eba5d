"""How a measure is read of an entry, and how its means are written."""

from __future__ import annotations

import math

from reports.crossing import Reading
from reports.entry import Entry
from reports.query import Recording
from reports.statistics import Scores
from sweeper.spec.measure import TOP1, Measure
from sweeper.tracking.summary import Summary

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


def written(summary: Summary | None, measure: Measure, *, signed: bool = False) -> str:
    """Mean, half width of the interval and number of seeds, such as '58.0 ± 2.5 (3)'."""
    if summary is None:
        return "—"
    told = f"{summary.mean * measure.scale:{'+' if signed else ''},.{measure.digits}f}"
    if summary.ci95 is not None:
        told += f" ± {summary.ci95 * measure.scale:,.{measure.digits}f}"
    return f"{told} ({summary.n})"


def in_unit(measure: Measure) -> str:
    """A measure with its unit, such as 'top-1, %'."""
    return f"{measure.label}, {measure.unit}" if measure.unit else measure.label
