"""Which images make up which batch: a function of the seed and the epoch, of nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from sweeper.seeds import generator


def batches(count: int, batch_size: int, *, seed: int, epoch: int) -> list[Tensor]:
    """The batches of `epoch` as indices int64 [b] into a split of `count` images.

    Every image comes once; the last batch holds the remainder. A remainder of one image joins
    the batch before it, because BatchNorm cannot normalise a single value per channel. Trials
    with the same seed, split and batch size share their batches, whatever the method.
    """
    order = torch.randperm(count, generator=generator(seed, "order", epoch))
    cut = list(torch.split(order, batch_size))
    if len(cut) > 1 and len(cut[-1]) == 1:
        cut[-2:] = [torch.cat(cut[-2:])]
    return cut
