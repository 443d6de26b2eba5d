"""Who is told what happens to trials: the MLflow writer, the progress display, a test."""

from __future__ import annotations

from typing import Protocol

from sweeper.faults import Incident
from sweeper.records import EpochRecord, TrialResult
from sweeper.spec.trial import TrialSpec


class Listener(Protocol):
    """Called in the driver's process and thread only, one call at a time.

    After a worker died an epoch may come twice; it is never missing. An error that a listener
    raises ends the launch, because a result that nobody recorded would be lost.
    """

    def trial_started(self, spec: TrialSpec, attempt: int) -> None:
        """A worker has taken the trial; `attempt` counts from 1 in this launch."""
        ...

    def epoch(self, spec: TrialSpec, record: EpochRecord) -> None:
        """An epoch of a running trial; its checkpoint is written after this returns."""
        ...

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        """The trial has ended, one way or another; called once a trial and launch.

        What a finished one has learned stands in the file `Job.trained` until this returns.
        """
        ...

    def incident(self, incident: Incident) -> None:
        """Something went wrong; what is done about it is in `sweeper.faults`."""
        ...
