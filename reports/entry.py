"""One entry of a table: how the trials of one cell stand, and what they scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reports.footnote import reference, remarks
from reports.query import Recording
from reports.statistics import Scores
from sweeper.records import PART, TrialStatus
from sweeper.spec.plan import Cell, Plan
from sweeper.tracking.summary import Summary, summarise

ACCUMULATION = "measured.accumulation"


@dataclass(frozen=True)
class Entry:
    """A cell, its scores by seed (accuracies as fractions) and the count of each status.

    parts: of a joint task, the scores on each of its parts.
    remarks: what is said of it under a table; apart: its protocol is not the base's.
    """

    cell: Cell
    scores: Scores
    statuses: Mapping[str, int]
    min_seeds: int
    trainable_parameters: int | None  # None where no trial ended
    parts: Mapping[str, Scores] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    apart: bool = False

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
        """Whether its mean may be called best: under the base's protocol, from enough seeds, none
        of them lost to divergence.
        """
        diverged = str(TrialStatus.DIVERGED) in self.statuses
        return not (self.apart or self.too_few or diverged)

    @property
    def holes(self) -> list[str]:
        """What is not finished, such as ['failed 1', 'missing 2']."""
        done = str(TrialStatus.FINISHED)
        return [f"{name} {n}" for name, n in sorted(self.statuses.items()) if name != done]


def entries(recording: Recording) -> dict[str, Entry]:
    """Cell id -> entry of every cell of the plan, skipped ones included."""
    plan = recording.plan
    base = reference(plan)
    return {cell.id: _entry(cell, recording.of(cell), plan, base) for cell in plan.cells}


def _entry(cell: Cell, trials: pd.DataFrame, plan: Plan, base: Mapping[str, Any]) -> Entry:
    finished = trials[trials["status"] == str(TrialStatus.FINISHED)]
    counts = {str(status): int(n) for status, n in trials["status"].value_counts().items()}
    # The loader plans one trial, whatever the seeds, for a method that has nothing to train.
    deterministic = len(cell.trials) == 1 and len(plan.seeds) > 1
    parameters = int(finished["trainable_parameters"].max()) if len(finished) else None
    prefix = f"measured.{PART}"
    measured = [name for name in finished.columns if name.startswith(prefix)]
    found = {name: Scores(_by_seed(finished, name), deterministic) for name in measured}
    said, apart = remarks(cell.config, base)
    return Entry(
        cell,
        Scores(_by_seed(finished, "test_acc"), deterministic),
        counts,
        plan.min_seeds,
        parameters,
        {name.removeprefix(prefix): scores for name, scores in found.items() if scores.by_seed},
        (*said, *_accumulated(finished)),
        apart,
    )


def _accumulated(finished: pd.DataFrame) -> list[str]:
    """That trials did not fit into the memory of their GPU, where it was so."""
    most = int(max(_by_seed(finished, ACCUMULATION).values(), default=1))
    if most == 1:
        return []
    return [
        f"too large for the memory of its GPU: each batch was cut into up to {most} micro-batches "
        "whose gradients are added up, which is the same up to rounding but for the statistics of "
        "a trained BatchNorm"
    ]


def _by_seed(finished: pd.DataFrame, column: str) -> dict[int, float]:
    if column not in finished:
        return {}
    return {
        int(row["seed"]): float(row[column])
        for row in finished.to_dict("records")
        if row[column] == row[column]  # not NaN
    }
