"""How often a trial may fail: so many times without a new epoch in between."""

from __future__ import annotations

from collections import Counter

from ray.tune.experiment import Trial

from sweeper.faults import RULES, Fault


class Retries:
    """Counts by trial id, over all of Tune's runs in one launch."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._failed: Counter[str] = Counter()  # since the last new epoch
        self._reached: Counter[str] = Counter()  # the newest epoch

    def reached(self, trial_id: str, epoch: int) -> None:
        """An epoch was trained; one that came before, from an older checkpoint, proves nothing."""
        if epoch > self._reached[trial_id]:
            self._reached[trial_id] = epoch
            self._failed[trial_id] = 0

    def failed(self, trial_id: str, fault: Fault) -> None:
        """The trial failed."""
        self._failed[trial_id] += RULES[fault].counts

    def over(self, trial_id: str) -> bool:
        """Whether it failed more often than it may."""
        return self._failed[trial_id] > self.limit

    def count(self, trial_id: str) -> int:
        """Failures that count, since the last new epoch."""
        return self._failed[trial_id]

    def allow(self, trial: Trial, trial_id: str) -> None:
        """Tell Tune, which counts every failure of its `trial`, how many more there may be."""
        left = max(0, self.limit - self._failed[trial_id])
        trial.max_failures = trial.run_metadata.num_failures + left
