"""What a trial says about itself: one record per epoch, one result at the end.

These are the only types that travel from a worker to the store and from the store to a report.
Accuracies are fractions in [0, 1] (a report prints them in percent), losses are mean
cross-entropies in nats, times are seconds.
"""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from typing import Any

PART = "test/acc/"  # then the name of a part of a joint task: its accuracy, in `measured`


class TrialStatus(enum.StrEnum):
    """How a trial stands. A closed set: whatever happens to a trial is one of these."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"  # ended early by the search, on purpose; has no test score
    DIVERGED = "diverged"  # its loss left the finite numbers
    FAILED = "failed"  # it raised, or its worker died more often than allowed

    @property
    def final(self) -> bool:
        """Whether this trial is never trained again (a failed one is, on request)."""
        return self in (TrialStatus.FINISHED, TrialStatus.STOPPED, TrialStatus.DIVERGED)


@dataclass(frozen=True)
class Score:
    """Top-1 accuracy (fraction) and mean cross-entropy (nats) over `n` images."""

    acc: float
    loss: float
    n: int


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training. `epoch` counts from 1; `lr` is the one used during the epoch."""

    epoch: int
    step: int  # optimiser steps taken since the start of the trial
    lr: float
    train_loss: float
    train_acc: float
    val_loss: float
    val_acc: float
    seconds: float

    def metrics(self) -> dict[str, float]:
        """The metrics logged for this epoch, by the names in `METRICS`."""
        return {
            "train/loss": self.train_loss,
            "train/acc": self.train_acc,
            "val/loss": self.val_loss,
            "val/acc": self.val_acc,
            "lr": self.lr,
            "epoch_seconds": self.seconds,
        }


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended. `test` and `val` are None unless it finished (or has nothing to train)."""

    trial_id: str
    status: TrialStatus
    test: Score | None = None
    val: Score | None = None
    trainable_parameters: int = 0
    epochs: int = 0
    seconds: float = 0.0  # of training and evaluation, over all attempts that were saved
    reason: str = ""  # why it did not finish
    # Further numbers by metric name: `construction_seconds`, `test/macro_f1`,
    # `test/acc/<part of a joint task>`, `accumulation` (micro-batches of a batch, where memory
    # asked for more than one)
    measured: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)  # digests, versions, device, worker

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `from_json` reads back."""
        return asdict(self) | {"status": str(self.status)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrialResult:
        """The inverse of `to_json`."""
        values = dict(data)
        values["status"] = TrialStatus(values["status"])
        for split in ("test", "val"):
            if values.get(split) is not None:
                values[split] = Score(**values[split])
        return cls(**values)


METRICS: dict[str, str] = {
    "train/loss": "mean cross-entropy over the epoch's training batches, nats, lower is better",
    "train/acc": "top-1 over the epoch's training batches, fraction, higher is better",
    "val/loss": "mean cross-entropy on the validation split, nats, lower is better",
    "val/acc": "top-1 on the validation split, fraction, higher is better",
    "test/loss": "mean cross-entropy on the test split, once, at the end, nats, lower is better",
    "test/acc": "top-1 on the test split, once, at the end, fraction, higher is better",
    "test/mean_per_class": "mean of the classes' accuracies on the test split, for tasks whose "
    "metric it is, fraction, higher is better",
    "test/macro_f1": "mean of the classes' F1 scores on the test split, for tasks whose metric it "
    "is, fraction, higher is better",
    "lr": "learning rate of the epoch",
    "epoch_seconds": "seconds of the epoch, training and validation",
}
