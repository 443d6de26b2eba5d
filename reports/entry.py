"""One entry of a table: how the trials of one cell stand, and what they scored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reports.footnote import reference, remarks
from reports.query import Recording
from reports.statistics import Scores
from sweeper.records import PART, TrialStatus
from sweeper.spec.measure import TOP1
from sweeper.spec.plan import Cell

ACCUMULATION = "accumulation"
MEASURED = "measured."  # then the name of a measure: a column of a recording's trials
COLUMNS = {  # of a recording's trials -> measure
    "test_acc": TOP1,
    "test_loss": "test/loss",
    "val_acc": "val/acc",
    "val_loss": "val/loss",
    "trainable_parameters": "trainable_parameters",
    "seconds": "seconds",
}


@dataclass(frozen=True)
class Entry:
    """A cell, its scores by seed (accuracies as fractions) and the count of each status.

    measured: measure -> what the finished trials have of it, test/acc excepted.
    base: the protocol that it is read beside; empty: none. link: the address of its page in
        MLflow's UI, empty where it has none.
    """

    cell: Cell
    scores: Scores
    statuses: Mapping[str, int]
    min_seeds: int
    trainable_parameters: int | None  # None where no trial ended
    measured: Mapping[str, Scores] = field(default_factory=dict)
    base: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""

    def scores_of(self, measure: str) -> Scores:
        """By seed; empty where no finished trial has it."""
        if measure == TOP1:
            return self.scores
        return self.measured.get(measure, Scores({}, self.scores.deterministic))

    @property
    def parts(self) -> dict[str, Scores]:
        """Of a joint task, the scores on each of its parts."""
        names = (name for name in self.measured if name.startswith(PART))
        return {name.removeprefix(PART): self.measured[name] for name in names}

    def remarks(self, but: str = "") -> tuple[str, ...]:
        """What is said of it where it stands; nothing of the field `but` of its protocol."""
        said, _ = remarks(self.cell.config, self.base, but)
        return (*said, *_accumulated(self.measured.get(ACCUMULATION)))

    @property
    def apart(self) -> bool:
        """Whether its protocol is not the base's."""
        return remarks(self.cell.config, self.base)[1]

    @property
    def holes(self) -> list[str]:
        """What is not finished, such as ['failed 1', 'missing 2']."""
        done = str(TrialStatus.FINISHED)
        return [f"{name} {n}" for name, n in sorted(self.statuses.items()) if name != done]


def entries(recording: Recording) -> dict[str, Entry]:
    """Cell id -> entry of every cell of the plan, skipped ones included."""
    plan, trials = recording.plan, recording.trials
    base = reference(plan)
    finished = trials[trials["status"] == str(TrialStatus.FINISHED)]
    measured = _measured(finished)
    statuses: dict[str, Counter[str]] = {}
    for cell, status in zip(trials["cell"], trials["status"], strict=True):
        statuses.setdefault(cell, Counter())[str(status)] += 1
    found = {}
    for cell in plan.cells:
        # The loader plans one trial, whatever the seeds, for a method that has nothing to train.
        deterministic = len(cell.trials) == 1 and len(plan.seeds) > 1
        own = {
            name: Scores(values, deterministic)
            for name, values in measured.get(cell.id, {}).items()
        }
        counts = own.get("trainable_parameters")
        found[cell.id] = Entry(
            cell=cell,
            scores=own.pop(TOP1, Scores({}, deterministic)),
            statuses=statuses.get(cell.id, {}),
            min_seeds=plan.min_seeds,
            trainable_parameters=int(max(counts.by_seed.values())) if counts else None,
            measured=own,
            base=base,
            link=recording.links.get(cell.id, ""),
        )
    return found


def _measured(finished: pd.DataFrame) -> dict[str, dict[str, dict[int, float]]]:
    """Cell id -> measure -> seed -> value, of the values that are finite numbers."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    cells, seeds = finished["cell"].tolist(), finished["seed"].tolist()
    for column in finished.columns:
        measure = COLUMNS.get(column, "")
        if column.startswith(MEASURED):
            measure = column.removeprefix(MEASURED)
        values = finished[column].tolist() if measure else ()
        for place, value in enumerate(values):
            if value is not None and math.isfinite(value):
                own = found.setdefault(cells[place], {}).setdefault(measure, {})
                own[int(seeds[place])] = float(value)
    return found


def _accumulated(found: Scores | None) -> list[str]:
    """That trials did not fit into the memory of their GPU, where it was so."""
    most = int(max(found.by_seed.values())) if found else 1
    if most == 1:
        return []
    return [
        f"too large for the memory of its GPU: each batch was cut into up to {most} micro-batches "
        "whose gradients are added up, which is the same up to rounding but for the statistics of "
        "a trained BatchNorm"
    ]
