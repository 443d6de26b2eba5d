"""The training loop: one for every method, a generator of epochs.

Symbols: N images of the training split, B images of a batch, K classes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import DivergedError, InputError, Problem
from sweeper.records import EpochRecord
from sweeper.seeds import keyed
from sweeper.spec.trial import Protocol, Recipe
from sweeper.tasks.task import Split, Task
from sweeper.train.checkpoint import Checkpoint
from sweeper.train.evaluation import evaluate
from sweeper.train.inputs import Inputs, prepare
from sweeper.train.optimiser import optimiser
from sweeper.train.order import batches
from sweeper.train.schedule import learning_rate
from sweeper.train.shard import WHOLE, Shard
from sweeper.train.state import load_memory, load_state, memory_of, state_of, trainable


def fit(
    method: nn.Module,
    task: Task,
    *,
    recipe: Recipe,
    protocol: Protocol,
    preprocessing: Preprocessing,
    seed: int,
    device: torch.device,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
    shard: Shard = WHOLE,
) -> Iterator[EpochRecord]:
    """Train `method` (already on `device`) in place; yield a record after each epoch.

    At the end the method holds the parameters that `protocol.selection` chooses. Reads train
    and val, never test. The checkpoint of an epoch is handed to `save` only after its record
    was taken, so a record may come twice after a crash but is never missing; its tensors are
    the live ones, so `save` must copy or write them before it returns.

    Raises DivergedError at the first loss that is not finite, CheckpointError where `resume`
    does not fit, InputError where the protocol or the workers cannot be had.
    """
    _check(protocol)
    started = time.monotonic()
    source = task.train if protocol.train_on == "train" else _joined(task.train, task.val)
    count = len(source)
    cut = batches(count, recipe.batch_size, seed=seed, epoch=0)
    shard.prepare(method, device, smallest_batch=min(map(len, cut)))
    read = partial(
        prepare,
        method,
        preprocessing=preprocessing,
        device=device,
        precision=protocol.precision,
    )
    train, val = read(source), read(task.val)

    steps = optimiser(trainable(method).values(), recipe)
    first, step, seconds = 0, 0, 0.0
    best: Mapping[str, Tensor] = {}
    best_acc: float | None = None
    if resume is not None:
        load_state(method, resume.state)
        load_memory(steps, method, resume.memory)
        first, step, seconds = resume.epoch, resume.step, resume.seconds
        best, best_acc = resume.best, resume.best_acc

    for epoch in range(first, recipe.epochs):
        lr = learning_rate(recipe, epoch)
        cut = batches(count, recipe.batch_size, seed=seed, epoch=epoch)
        with keyed(seed, "dropout", epoch, shard.rank):
            loss, acc = _train_epoch(method, train, cut, steps, lr=lr, step=step, shard=shard)
        step += len(cut)
        score = evaluate(method, val, shard)
        if not math.isfinite(score.loss):
            raise DivergedError(step=step, lr=lr, loss=score.loss)
        if protocol.selection == "best_val" and (best_acc is None or score.acc > best_acc):
            best_acc = score.acc  # a tie keeps the earlier epoch
            best = {name: value.clone() for name, value in state_of(method).items()}
        spent = time.monotonic() - started
        seconds += spent
        yield EpochRecord(epoch + 1, step, lr, loss, acc, score.loss, score.acc, spent)
        started = time.monotonic()
        if save is not None:
            memory = memory_of(steps, method)
            save(Checkpoint(epoch + 1, step, seconds, state_of(method), memory, best, best_acc))
    if best:
        load_state(method, best)


def _train_epoch(
    method: nn.Module,
    inputs: Inputs,
    cut: list[Tensor],
    steps: torch.optim.Optimizer,
    *,
    lr: float,
    step: int,
    shard: Shard,
) -> tuple[float, float]:
    """One pass over the batches `cut`; mean loss and accuracy over its N images.

    The loss of a batch is the mean over all its images, whichever worker holds them.
    """
    method.train()
    for group in steps.param_groups:
        group["lr"] = lr
    parameters = [p for group in steps.param_groups for p in group["params"]]
    waits = inputs.device.type == "cpu"  # elsewhere, reading the loss would stall every step
    tallies = torch.zeros(len(cut), 2, device=inputs.device)  # loss, hits
    for number, index in enumerate(cut):
        mine = index[shard.part(len(index))].to(inputs.values.device, non_blocking=True)
        steps.zero_grad(set_to_none=True)
        if len(mine):
            logits, labels = inputs.batch(mine)
            loss = functional.cross_entropy(logits, labels, reduction="sum") / len(index)
            loss.backward()  # type: ignore[no-untyped-call]
            tallies[number, 0] = loss.detach()
            tallies[number, 1] = (logits.detach().argmax(dim=1) == labels).sum()
        if shard.size > 1:
            for parameter in parameters:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            shard.sum([*(p.grad for p in parameters if p.grad is not None), tallies[number]])
        if waits:
            _check_finite(tallies[number : number + 1], step=step + number, lr=lr)
        steps.step()
    found = tallies.cpu()
    _check_finite(found, step=step, lr=lr)
    sizes = torch.tensor([len(index) for index in cut], dtype=torch.float64)
    images = float(sizes.sum())
    return float(found[:, 0].double() @ sizes) / images, float(found[:, 1].sum()) / images


def _check_finite(tallies: Tensor, *, step: int, lr: float) -> None:
    bad = ~tallies[:, 0].isfinite()
    if bad.any():
        where = int(bad.int().argmax())
        raise DivergedError(step=step + where, lr=lr, loss=float(tallies[where, 0]))


def _check(protocol: Protocol) -> None:
    if protocol.selection == "best_val" and protocol.train_on == "train+val":
        raise InputError(
            Problem(
                "protocol.selection",
                "best_val with train_on: train+val",
                "last where val is trained on",
                "Selecting on images that were trained on says nothing.",
            )
        )


def _joined(first: Split, second: Split) -> Split:
    return Split(torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels]))
