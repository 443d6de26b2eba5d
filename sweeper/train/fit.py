"""The training loop: one for every method, a generator of epochs."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import torch
from torch import nn

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import DivergedError, InputError, Problem
from sweeper.method import Examples, TrainsInRounds
from sweeper.records import EpochRecord
from sweeper.seeds import keyed
from sweeper.spec.trial import Protocol, Recipe
from sweeper.tasks.task import Task
from sweeper.train.augmentation import augmented, pictures
from sweeper.train.checkpoint import Checkpoint
from sweeper.train.epoch import train_epoch
from sweeper.train.evaluation import evaluate
from sweeper.train.features import ONCE, Features
from sweeper.train.inputs import examples, prepare, trained_on
from sweeper.train.optimiser import optimiser
from sweeper.train.order import batches
from sweeper.train.schedule import learning_rate
from sweeper.train.selection import check, keep_best
from sweeper.train.shard import WHOLE, Shard
from sweeper.train.state import load_memory, load_state, memory_of, state_of, trainable

START = Checkpoint(epoch=0, step=0, seconds=0.0, state={}, memory={}, best={})


def fit(
    method: nn.Module,
    task: Task,
    *,
    recipe: Recipe,
    protocol: Protocol,
    preprocessing: Preprocessing,
    seed: int,
    device: torch.device,
    canvas: Task | None = None,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
    shard: Shard = WHOLE,
    features: Features = ONCE,
    accumulation: int = 1,
) -> Iterator[EpochRecord]:
    """Train `method` (already on `device`) in place; yield a record after each epoch.

    Epochs run on over the rounds of a `TrainsInRounds` method. At the end of each round the method
    holds the parameters that `protocol.selection` chooses in it. Reads train and val, and test only
    where the selection is `best_test`. `canvas` is the task with its images as the augmentation
    wants them (`augmentation.canvas_of`). The `lr` of a record is that of the last step. The
    checkpoint of an epoch is handed to `save` only after its record was taken, so a record may come
    twice after a crash but is never missing; its tensors are the live ones, so `save` must copy or
    write them before it returns.

    Raises DivergedError at the first loss that is not finite, CheckpointError where `resume`
    does not fit, InputError where the protocol or the workers cannot be had or the method breaks
    the contract.
    """
    check(protocol)
    started = time.monotonic()
    source = trained_on(task, protocol)
    shown = pictures(recipe.augmentation, source, canvas, protocol, preprocessing)
    order = partial(batches, len(source), recipe.batch_size, seed=seed)
    shard.prepare(method, device, smallest_batch=min(map(len, order(epoch=0))))
    look = partial(
        prepare,
        method,
        preprocessing=preprocessing,
        device=device,
        precision=protocol.precision,
        features=features,
    )
    learn = partial(train_epoch, method, shard=shard, accumulation=accumulation)
    train, val = look(shown, changing=recipe.augmentation != "none"), look(task.val)
    among = task.info.test_classes
    test = cache(lambda: look(task.test))  # read only where it selects

    at, steps = resume or START, optimiser(method, recipe)
    if resume is not None:
        load_state(method, resume.state)
        load_memory(steps, method, resume.memory)
    for epoch in range(at.epoch, recipe.epochs * rounds_of(method)):
        within = epoch % recipe.epochs  # its round
        if epoch and not within:
            at = _next_round(method, at, examples(source, preprocessing, device))
            steps = optimiser(method, recipe)
        cut = order(epoch=epoch)
        rates = [learning_rate(recipe, within, step, len(cut)) for step in range(len(cut))]
        with keyed(seed, "dropout", epoch, shard.rank):
            drawn = augmented(train, recipe.augmentation, preprocessing.size, seed, epoch)
            loss, acc = learn(drawn, cut, steps, rates, step=at.step)
        score = evaluate(method, val, shard)
        if not math.isfinite(score.loss):
            raise DivergedError(step=at.step + len(cut), lr=rates[-1], loss=score.loss)
        at = keep_best(method, at, protocol, score, lambda: evaluate(method, test(), shard, among))
        spent = time.monotonic() - started
        at = replace(
            at,
            epoch=epoch + 1,
            step=at.step + len(cut),
            seconds=at.seconds + spent,
            state=state_of(method),
            memory=memory_of(steps, method),
            accumulation=accumulation,
        )
        yield EpochRecord(at.epoch, at.step, rates[-1], loss, acc, score.loss, score.acc, spent)
        started = time.monotonic()
        if save is not None:
            save(at)
    if at.best:
        load_state(method, at.best)


def rounds_of(method: nn.Module) -> int:
    """How many times `method` is trained for the epochs of its recipe."""
    return method.rounds if isinstance(method, TrainsInRounds) else 1


def _next_round(method: nn.Module, at: Checkpoint, own: Examples) -> Checkpoint:
    """Let `method` go from the parameters that its last round selected, in `eval` mode, to the
    next round, in which the best epoch is looked for anew.
    """
    if at.best:
        load_state(method, at.best)
    before = (state_of(method).keys(), trainable(method).keys())
    if isinstance(method, TrainsInRounds):
        method.eval()
        with torch.enable_grad():
            method.next_round(own)
    after = (state_of(method).keys(), trainable(method).keys())
    if changed := (before[0] ^ after[0]) | (before[1] ^ after[1]):
        raise InputError(
            Problem(
                f"method file {inspect.getfile(type(method))}, next_round()",
                f"it adds or freezes {', '.join(sorted(changed))}",
                "the same parameters with gradients and the same buffers in every round",
                "An interrupted round could not be resumed; multiply by a buffer of 0s and 1s.",
            )
        )
    return replace(at, best={}, best_acc=None)
