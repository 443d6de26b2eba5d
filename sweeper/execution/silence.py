"""Trials that run and say nothing: how long is too long, by a clock that nobody can set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import ray
from ray.tune.experiment import Trial


class Silence:
    """The last word of each running trial, by Tune's id, and those that were ended for lack of one.

    Only a trial that has a worker can be silent: not one that waits for resources, nor one that
    the search has paused.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock = seconds, clock
        self._heard: dict[str, float] = {}
        self._ended: set[str] = set()

    def heard(self, trial: Trial) -> None:
        """The trial has begun or said something."""
        self._heard[trial.trial_id] = self._clock()

    def left(self, trial: Trial) -> None:
        """The trial has no worker any more."""
        self._heard.pop(trial.trial_id, None)

    def took(self, trial: Trial) -> bool:
        """Whether the worker that the trial lost was ended by `end`; asked once."""
        found = trial.trial_id in self._ended
        self._ended.discard(trial.trial_id)
        return found

    def end(self, trials: Iterable[Trial]) -> None:
        """Kill the worker of each of `trials` that has been silent for too long.

        Ray then says that it died, and Tune tries the trial again.
        """
        if not self._heard or self._clock() - min(self._heard.values()) < self.seconds:
            return
        for trial in trials:
            heard = self._heard.get(trial.trial_id)
            actor = trial.temporary_state.ray_actor
            if heard is None or actor is None or trial.status != Trial.RUNNING:
                continue
            if self._clock() - heard >= self.seconds:
                self.left(trial)
                self._ended.add(trial.trial_id)
                ray.kill(actor)
