"""What a launch has to do: the trials of a plan that the store lacks, as many as are allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeper.cli.hunt import Hunt
from sweeper.records import TrialResult
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec

if TYPE_CHECKING:
    from sweeper.tracking.history import RecordedTrial


@dataclass(frozen=True)
class Work:
    """`todo` are planned trials to train now, `hunt` what a search draws now, `reused` the ids of
    trials that are taken from the store, `missing` how many trials the plan lacked at the start.
    """

    todo: list[TrialSpec]
    hunt: Hunt
    reused: list[str]
    missing: int

    @classmethod
    def of(cls, plan: Plan, recorded: Mapping[str, RecordedTrial], max_trials: int | None) -> Work:
        """The work on `plan` over the trials that the store holds."""
        done = {key: one.result for key, one in recorded.items() if one.result is not None}
        missing = missing_trials(plan.trials(), done)
        most = min(n for n in (max_trials, plan.budget.max_trials, sys.maxsize) if n is not None)
        todo = missing[:most]
        wanted = Hunt.of(plan, recorded)
        hunt = wanted.capped(most - len(todo))
        lacking = {trial.id for trial in missing}
        reused = [trial.id for trial in plan.trials() if trial.id not in lacking]
        reused += [trial.id for trial, _ in hunt.ended if trial.id not in reused]
        return cls(todo, hunt, reused, len(missing) + wanted.count)

    def __bool__(self) -> bool:
        return bool(self.todo or self.hunt.count)


def missing_trials(trials: Iterable[TrialSpec], done: Mapping[str, TrialResult]) -> list[TrialSpec]:
    """Those without a final result. A failed trial is missing: it runs again."""
    return [trial for trial in trials if trial.id not in done or not done[trial.id].status.final]
