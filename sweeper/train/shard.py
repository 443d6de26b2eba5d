"""One worker's share of every batch, and the sums over all workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor, nn

from sweeper.errors import InputError, Problem


@dataclass(frozen=True)
class Shard:
    """Worker `rank` of `size`. With `size` > 1 the caller has initialised torch.distributed.

    All workers hold the same parameters: they start from the same seeds, and they step with the
    same sum of gradients.
    """

    rank: int
    size: int

    def part(self, count: int) -> slice:
        """This worker's contiguous part of `count` things; empty where there are too few."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the workers, in one message. One dtype only."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, total in zip(
            tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True
        ):
            tensor.copy_(total.view_as(tensor))

    def prepare(self, method: nn.Module, device: torch.device, smallest_batch: int) -> None:
        """Let BatchNorm see whole batches, not parts. Raises InputError where it cannot."""
        layers = [m for m in method.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if self.size == 1 or not layers:
            return
        if device.type != "cuda":
            raise InputError(
                Problem(
                    "resources.workers",
                    f"{self.size} workers on {device.type} for a method with BatchNorm",
                    "1 worker, or GPUs",
                    "Synchronised BatchNorm exists on GPUs only.",
                )
            )
        if smallest_batch < self.size:
            raise InputError(
                Problem(
                    "batch_size",
                    f"a last batch of {smallest_batch} images over {self.size} workers",
                    "an image for each worker in every batch",
                    "Choose a batch_size that leaves a larger remainder, or fewer workers.",
                )
            )
        nn.SyncBatchNorm.convert_sync_batchnorm(method)  # type: ignore[no-untyped-call]


WHOLE = Shard(0, 1)
