"""One entry of a table: how the trials of one cell stand, and what they scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from reports.query import Recording
from reports.statistics import Scores
from sweeper.records import PART, TrialStatus
from sweeper.spec.plan import Cell
from sweeper.tracking.summary import Summary, summarise

ACCUMULATION = "measured.accumulation"


@dataclass(frozen=True)
class Entry:
    """A cell, its scores by seed (accuracies as fractions) and the count of each status.

    parts: of a joint task, the scores on each of its parts.
    accumulation: the most micro-batches that a finished trial cut its batches into.
    """

    cell: Cell
    scores: Scores
    statuses: Mapping[str, int]
    min_seeds: int
    trainable_parameters: int | None  # None where no trial ended
    parts: Mapping[str, Scores] = field(default_factory=dict)
    accumulation: int = 1

    @property
    def summary(self) -> Summary | None:
        """Mean and interval over the finished seeds."""
        return summarise(self.scores.by_seed[seed] for seed in sorted(self.scores.by_seed))

    @property
    def too_few(self) -> bool:
        """Whether fewer seeds finished than the sweep asks for; a deterministic cell needs one."""
        return not self.scores.deterministic and len(self.scores.by_seed) < self.min_seeds

    @property
    def sound(self) -> bool:
        """Whether its mean may be called best: enough seeds, none of them lost to divergence."""
        return not self.too_few and str(TrialStatus.DIVERGED) not in self.statuses

    @property
    def holes(self) -> list[str]:
        """What is not finished, such as ['failed 1', 'missing 2']."""
        done = str(TrialStatus.FINISHED)
        return [f"{name} {n}" for name, n in sorted(self.statuses.items()) if name != done]


def entries(recording: Recording) -> dict[str, Entry]:
    """Cell id -> entry of every cell of the plan, skipped ones included."""
    plan = recording.plan
    return {
        cell.id: _entry(cell, recording.of(cell), len(plan.seeds), plan.min_seeds)
        for cell in plan.cells
    }


def _entry(cell: Cell, trials: pd.DataFrame, seeds: int, min_seeds: int) -> Entry:
    finished = trials[trials["status"] == str(TrialStatus.FINISHED)]
    counts = {str(status): int(n) for status, n in trials["status"].value_counts().items()}
    # The loader plans one trial, whatever the seeds, for a method that has nothing to train.
    deterministic = len(cell.trials) == 1 and seeds > 1
    parameters = int(finished["trainable_parameters"].max()) if len(finished) else None
    prefix = f"measured.{PART}"
    measured = [name for name in finished.columns if name.startswith(prefix)]
    found = {name: Scores(_by_seed(finished, name), deterministic) for name in measured}
    return Entry(
        cell,
        Scores(_by_seed(finished, "test_acc"), deterministic),
        counts,
        min_seeds,
        parameters,
        {name.removeprefix(prefix): scores for name, scores in found.items() if scores.by_seed},
        int(max(_by_seed(finished, ACCUMULATION).values(), default=1)),
    )


def _by_seed(finished: pd.DataFrame, column: str) -> dict[int, float]:
    if column not in finished:
        return {}
    return {
        int(row["seed"]): float(row[column])
        for row in finished.to_dict("records")
        if row[column] == row[column]  # not NaN
    }
