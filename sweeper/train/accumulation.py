"""Training that does not fit into the memory of a GPU: the same batches in smaller pieces.

A batch of B images is cut into `accumulation` micro-batches whose gradients are added up before
the one step, so that the step is that of the whole batch up to rounding. Two things are not: the
statistics of a live BatchNorm (PGN's trunk) are those of a micro-batch, and dropout draws
other masks of the same distribution. So the number is recorded, and reports mark it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from sweeper.records import EpochRecord
from sweeper.tasks.task import Task
from sweeper.train.checkpoint import Checkpoint
from sweeper.train.piece import free
from sweeper.train.shard import Shard
from sweeper.train.state import load_state, state_of


class Fit(Protocol):
    """`sweeper.train.fit.fit` with all but these two given."""

    def __call__(self, *, resume: Checkpoint | None, accumulation: int) -> Iterator[EpochRecord]:
        """Epochs from `resume` on."""
        ...


@dataclass
class Attempts:
    """Epochs of a trial, begun again with smaller micro-batches where memory runs out."""

    fit: Fit
    method: nn.Module
    saved: Callable[[], Checkpoint | None]  # the last one that `fit` has saved
    most: int  # accumulation at which each micro-batch is as small as it gets
    accumulation: int = 1

    def records(self, found: Checkpoint | None) -> Iterator[EpochRecord]:
        """Each epoch once, from `found` on. After a failure training goes on from what was last
        saved, or from its start; epochs that were told before it are not told again.

        Raises torch.OutOfMemoryError where the smallest micro-batch does not fit.
        """
        start = {name: value.cpu().clone() for name, value in state_of(self.method).items()}
        told = 0
        if found is not None:
            told, self.accumulation = found.epoch, found.accumulation
        while True:
            try:
                for record in self.fit(resume=found, accumulation=self.accumulation):
                    if record.epoch > told:
                        told = record.epoch
                        yield record
            except torch.OutOfMemoryError:
                if self.accumulation >= self.most:
                    raise
                self.accumulation = min(2 * self.accumulation, self.most)
            else:
                return
            for parameter in self.method.parameters():
                parameter.grad = None
            free()  # behind the handler: until then the traceback holds the tensors
            load_state(self.method, start)
            found = self.saved()

    def measured(self) -> dict[str, float]:
        """The number of micro-batches for the record, where there is more than one."""
        return {"accumulation": float(self.accumulation)} if self.accumulation > 1 else {}


def smallest(method: nn.Module) -> int:
    """Images that a micro-batch needs: BatchNorm has nothing to normalise in one."""
    norms = nn.modules.batchnorm._BatchNorm
    return 2 if any(isinstance(module, norms) for module in method.modules()) else 1


def most_micro_batches(method: nn.Module, task: Task, batch_size: int, shard: Shard) -> int:
    """The accumulation beyond which no micro-batch becomes smaller. Several workers cut nothing:
    while one began again the others would wait for its gradients.
    """
    if shard.size > 1:
        return 1
    images = min(batch_size + 1, len(task.train) + len(task.val))  # see `order.batches`
    return max(1, images // smallest(method))


def micro_batches(index: Tensor, accumulation: int, least: int) -> list[Tensor]:
    """`index` [B] in up to `accumulation` parts that differ by one image at most, none of fewer
    than `least` unless B is.
    """
    count = max(1, min(accumulation, len(index) // least))
    return list(torch.tensor_split(index, count))
