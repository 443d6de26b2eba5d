"""One trial from its specification to its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from sweeper.backbones.backbone import Backbone, Preprocessing
from sweeper.backbones.setting import Setting
from sweeper.errors import DivergedError, InputError, Problem
from sweeper.method import Plugin
from sweeper.records import EpochRecord, Score, TrialResult, TrialStatus
from sweeper.seeds import derive
from sweeper.spec.snapshots import snapshot_epochs, snapshot_file
from sweeper.spec.trial import TrialSpec
from sweeper.tasks.subset import subset
from sweeper.tasks.task import Split, Task
from sweeper.tasks.template import worded
from sweeper.train.accumulation import Attempts, most_micro_batches
from sweeper.train.checkpoint import Checkpoint, read, write
from sweeper.train.construction import construct
from sweeper.train.evaluation import Counts, count, on_test
from sweeper.train.features import NEVER, Features
from sweeper.train.fit import fit, rounds_of
from sweeper.train.inputs import prepare
from sweeper.train.provenance import provenance
from sweeper.train.shard import WHOLE, Shard
from sweeper.train.state import trainable
from sweeper.train.trained import keep as keep_trained


def run_trial(
    spec: TrialSpec,
    *,
    plugin: Plugin,
    backbone: Backbone,
    task: Task,
    device: torch.device,
    others: Mapping[str, Split] = MappingProxyType({}),
    canvas: Task | None = None,
    checkpoint: Path | None = None,
    save_every: float = 5.0,
    keep: Path | None = None,
    shard: Shard = WHOLE,
    shortcuts: bool = True,
) -> Generator[EpochRecord, None, TrialResult]:
    """Train and test what `spec` says; yield each epoch, return the result.

    `backbone` is on `device`; `others` holds the training split of each other task that `spec`
    names, by the parameter that names it; `canvas` is `task`, image for image, as the augmentation
    wants them. With a `checkpoint` file the trial continues where the file stands, and worker 0
    writes it after an epoch when the last writing is `save_every` seconds old; removing it
    afterwards is the caller's business. A loss that leaves the finite numbers is a result
    (`diverged`), not an exception. Closing the generator early ends the trial with no test score.
    Test is read once, after the last epoch, unless the protocol selects on it. What a trial that
    finishes has learned is written to the file `keep` by worker 0, and beside it what it had
    learned at each of the recipe's `snapshots`. Without `shortcuts` nothing is computed only once.
    What does not fit into the memory of a GPU is trained in micro-batches, see `accumulation`.

    Raises InputError where plugin, backbone or tasks are not those of `spec`, CheckpointError
    where the file is damaged or of another trial (delete it to start over).
    """
    _check_identity(spec, plugin, backbone, task, others)
    task = asked(task, spec)
    canvas = None if canvas is None else asked(canvas, spec)
    preprocessing = backbone.info.preprocessing
    method = build(spec, plugin, backbone, task).to(device)
    found = _saved(checkpoint, spec)
    epochs, seconds = (0, 0.0) if found is None else (found.epoch, found.seconds)
    # what is solved in closed form counts too, and requires no gradient once it is constructed
    parameters = sum(p.numel() for p in trainable(method).values())
    measured = construct(method, task, others, spec.protocol, preprocessing, device)
    result = partial(
        TrialResult,
        spec.id,
        trainable_parameters=parameters,
        provenance=provenance(spec, backbone, task, others, device, shard),
    )

    hold = partial(
        keep_trained, method, trial_id=spec.id, task=task.info, preprocessing=preprocessing
    )
    features = Features.of(plugin, method, backbone, spec.recipe) if shortcuts else NEVER
    features = features.shared(backbone, spec.protocol, device)
    if plugin.trains and trainable(method):
        epochs_from = partial(
            fit,
            method,
            task,
            canvas=canvas,
            **_setting(spec, preprocessing, device, shard, features),
        )
        save = _saver(checkpoint, spec.id, save_every) if shard.rank == 0 else None
        most = most_micro_batches(method, task, spec.recipe.batch_size, shard)
        attempts = Attempts(
            partial(epochs_from, save=save), method, partial(_saved, checkpoint, spec), most
        )
        snapshots = snapshot_epochs(spec.recipe.snapshots, spec.recipe.epochs * rounds_of(method))
        try:
            for record in attempts.records(found):
                epochs, seconds = record.epoch, seconds + record.seconds
                if epochs in snapshots and keep is not None and shard.rank == 0:
                    hold(keep.with_name(snapshot_file(epochs)))
                yield record
        except DivergedError as error:
            measured |= attempts.measured()
            ended = result(status=TrialStatus.DIVERGED, epochs=epochs, seconds=seconds)
            return replace(ended, reason=str(error), measured=measured)
        measured |= attempts.measured()

    started = time.monotonic()
    val, test, parts = _scores(method, task, spec, preprocessing, device, shard, features)
    if keep is not None and shard.rank == 0:
        hold(keep)
    return result(
        status=TrialStatus.FINISHED,
        epochs=epochs,
        seconds=seconds + time.monotonic() - started,
        val=val,
        test=test,
        measured={**measured, **parts},
    )


def _setting(
    spec: TrialSpec,
    preprocessing: Preprocessing,
    device: torch.device,
    shard: Shard,
    features: Features,
) -> dict[str, Any]:
    """What `fit` is told of how to train `spec`."""
    return {
        "recipe": spec.recipe,
        "protocol": spec.protocol,
        "preprocessing": preprocessing,
        "seed": spec.seed,
        "device": device,
        "shard": shard,
        "features": features,
    }


def _scores(
    method: nn.Module,
    task: Task,
    spec: TrialSpec,
    preprocessing: Preprocessing,
    device: torch.device,
    shard: Shard,
    features: Features,
) -> tuple[Score, Score, dict[str, float]]:
    """Validation and test scores, and what is measured beside them; test is read once."""

    def read(split: Split, among: Sequence[int] = ()) -> Counts:
        inputs = prepare(
            method,
            split,
            preprocessing=preprocessing,
            device=device,
            precision=spec.protocol.precision,
            features=features,
        )
        return count(method, inputs, shard, classes=len(task.info.classes), among=among)

    return read(task.val).score, *on_test(partial(read, among=task.info.test_classes), task)


def asked(task: Task, spec: TrialSpec) -> Task:
    """`task` as the protocol of `spec` asks for it: its images of train and val, its template."""
    info = worded(task.info, spec.protocol.template)
    return subset(replace(task, info=info), spec.protocol, spec.seed)


def build(spec: TrialSpec, plugin: Plugin, backbone: Backbone, task: Task) -> nn.Module:
    """The untrained method of `spec`, on the CPU."""
    return plugin.module(
        backbone=backbone,
        classes=task.info.classes,
        template=task.info.template,
        params=plugin.params(**spec.params),
        seed=derive(spec.seed, "model"),
    )


def _saved(path: Path | None, spec: TrialSpec) -> Checkpoint | None:
    return read(path, spec.id) if path is not None and path.exists() else None


def _saver(path: Path | None, trial_id: str, every: float) -> Callable[[Checkpoint], None] | None:
    """Writes to `path` at most once in `every` seconds: a write may cost more than an epoch."""
    if path is None:
        return None
    last = time.monotonic()

    def save(checkpoint: Checkpoint) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            write(checkpoint, path, trial_id)
            last = time.monotonic()

    return save


def _check_identity(
    spec: TrialSpec,
    plugin: Plugin,
    backbone: Backbone,
    task: Task,
    others: Mapping[str, Split],
) -> None:
    """An id promises what was computed: refuse to compute anything else under it."""
    named = [name for name in plugin.tasks if spec.params[name]]
    pairs = {
        "method": (plugin.identity, spec.method),
        "backbone": (backbone.info.name, spec.backbone),
        "weights": (backbone.info.weights, spec.weights),
        "setting": (str(backbone.info.setting), str(Setting.of(spec.protocol))),
        "task": (task.info.name, spec.task),
        "data": (task.info.data, spec.data),
        "other tasks": (", ".join(sorted(others)), ", ".join(sorted(named))),
    }
    problems = [
        Problem(f"trial {spec.id}, {name}", f"'{got}'", f"'{planned}' as planned")
        for name, (got, planned) in pairs.items()
        if got != planned
    ]
    if problems:
        raise InputError(problems)
