"""One pass over the training images.

Symbols: N images of the training split, B images of a batch, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from sweeper.errors import DivergedError
from sweeper.train.accumulation import micro_batches, smallest
from sweeper.train.inputs import Inputs
from sweeper.train.shard import Shard


def train_epoch(
    method: nn.Module,
    inputs: Inputs,
    cut: Sequence[Tensor],
    steps: torch.optim.Optimizer,
    rates: Sequence[float],
    *,
    step: int,
    shard: Shard,
    accumulation: int = 1,
) -> tuple[float, float]:
    """Step through the batches `cut` at their `rates`; mean loss and accuracy over the N images.

    The loss of a batch is the mean over all its images, whichever worker holds them. `step` steps
    were taken before. The gradients of `accumulation` micro-batches are added up for each step, see
    `sweeper.train.accumulation`. Raises DivergedError at the first loss that is not finite.
    """
    method.train()
    parameters = [p for group in steps.param_groups for p in group["params"]]
    least = smallest(method)
    waits = inputs.device.type == "cpu"  # elsewhere, reading the loss would stall every step
    tallies = torch.zeros(len(cut), 2, device=inputs.device)  # loss, hits
    for number, (index, lr) in enumerate(zip(cut, rates, strict=True)):
        for group in steps.param_groups:
            group["lr"] = lr
        mine = index[shard.part(len(index))].to(inputs.values.device, non_blocking=True)
        steps.zero_grad(set_to_none=True)
        for part in micro_batches(mine, accumulation, least) if len(mine) else ():
            logits, labels = inputs.batch(part)
            loss = functional.cross_entropy(logits, labels, reduction="sum") / len(index)
            loss.backward()  # type: ignore[no-untyped-call]
            tallies[number, 0] += loss.detach()
            tallies[number, 1] += (logits.detach().argmax(dim=1) == labels).sum()
        if shard.size > 1:
            _sum_gradients(parameters, tallies[number], shard)
        if waits:
            _check_finite(tallies[number : number + 1], rates[number:], step + number)
        steps.step()
    found = tallies.cpu()
    _check_finite(found, rates, step)
    sizes = torch.tensor([len(index) for index in cut], dtype=torch.float64)
    images = float(sizes.sum())
    return float(found[:, 0].double() @ sizes) / images, float(found[:, 1].sum()) / images


def _sum_gradients(parameters: Sequence[nn.Parameter], tally: Tensor, shard: Shard) -> None:
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    shard.sum([*(p.grad for p in parameters if p.grad is not None), tally])


def _check_finite(tallies: Tensor, rates: Sequence[float], step: int) -> None:
    """`tallies` begin at the step `step`, as `rates` do."""
    bad = ~tallies[:, 0].isfinite()
    if bad.any():
        where = int(bad.int().argmax())
        raise DivergedError(step=step + where, lr=rates[where], loss=float(tallies[where, 0]))
