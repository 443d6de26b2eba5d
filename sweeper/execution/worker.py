"""A trial inside a worker process, which keeps backbones and tasks from trial to trial."""

from __future__ import annotations

import linecache
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch

from sweeper.backbones import towers
from sweeper.backbones.backbone import Backbone, Preprocessing
from sweeper.backbones.setting import Setting
from sweeper.backbones.shortcuts import ALL, PLAIN, Shortcuts
from sweeper.discovery import find
from sweeper.execution.job import Job
from sweeper.execution.message import of_epoch, of_result
from sweeper.method import Plugin
from sweeper.records import TrialStatus
from sweeper.spec.trial import TrialSpec
from sweeper.tasks import catalog as tasks
from sweeper.tasks.task import Split, Task
from sweeper.tracking.names import TRAINED
from sweeper.train.augmentation import canvas_of
from sweeper.train.shard import WHOLE, Shard
from sweeper.train.trained import digest_of
from sweeper.train.trial import run_trial

CONTEXT = 600 * 2**20  # bytes of a GPU that a process takes for its kernels, about
KEPT = 4  # backbones and tasks that stay in memory; a sweep seldom crosses more at a time


def messages(
    spec: TrialSpec, job: Job, device: torch.device, shard: Shard = WHOLE
) -> Iterator[dict[str, Any]]:
    """Train `spec`, going on from its checkpoint; a message for each epoch and the result."""
    if device.type == "cpu":
        # one thread a core: more fight over the caches, and every trial has its own cores
        torch.set_num_threads(max(1, int(job.resources.cpus)))
    elif job.resources.gpus < 1:
        keep_to_share(job.resources.gpus, device)
    plugin, backbone, task = warm(spec, job, device)
    training = run_trial(
        spec,
        plugin=plugin,
        backbone=backbone,
        task=task,
        device=device,
        checkpoint=job.checkpoint(spec.id),
        keep=job.trained(spec.id),
        shortcuts=job.resources.shortcuts,
        shard=shard,
        others=other_splits(spec, job, backbone.info.preprocessing),
        canvas=canvas(spec, job, backbone.info.preprocessing),
    )
    while True:
        try:
            record = next(training)
        except StopIteration as end:
            result = end.value
            break
        # a search compares epochs up to the recipe's: rounds after the first run through
        yield of_epoch(record, last=record.epoch >= spec.recipe.epochs)
    own = {
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "backbone_loads": str(_backbone.cache_info().misses),  # by this process, so far
    }
    left = job.trained(spec.id)
    if shard.rank == 0 and result.status is TrialStatus.FINISHED and left.exists():
        own[TRAINED] = digest_of(left)
    yield of_result(replace(result, provenance={**result.provenance, **own}))


def keep_to_share(share: float, device: torch.device) -> None:
    """Have torch run out of memory at this worker's share of the GPU, where it can train in smaller
    pieces, and not at its neighbours', who would have to. What CUDA itself takes for a process
    is no part of what torch counts.
    """
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(max(share - CONTEXT / total, share / 2), device)


def warm(spec: TrialSpec, job: Job, device: torch.device) -> tuple[Plugin, Backbone, Task]:
    """What `spec` is trained with, loaded or still there from an earlier trial."""
    path, setting = job.weights.get(spec.weights, ""), Setting.of(spec.protocol)
    shortcuts = ALL if job.resources.shortcuts else PLAIN
    backbone = _backbone(spec.backbone, spec.weights, path, setting, shortcuts, device)
    return (
        _plugin(spec.method, *job.methods.get(spec.method, ("", ""))),
        backbone,
        _task(job.folders.get(spec.data, spec.task), backbone.info.preprocessing),
    )


def on_disk(spec: TrialSpec, job: Job) -> bool:
    """Whether the weights of `spec`, and its images, are on this machine's disk."""
    weights = towers.weights_path(spec.backbone, job.weights.get(spec.weights, ""))
    public = [] if spec.data in job.folders else [spec.task]
    public += [
        str(spec.params[name]) for name, data in spec.others.items() if data not in job.folders
    ]
    lacks = [tasks.describe(name, Path()).available for name in public]
    return weights is not None and not any(lacks)


def other_splits(spec: TrialSpec, job: Job, preprocessing: Preprocessing) -> dict[str, Split]:
    """The train split of each task that a parameter of the method names."""
    return {
        name: _task(job.folders.get(data, str(spec.params[name])), preprocessing).train
        for name, data in spec.others.items()
    }


def canvas(spec: TrialSpec, job: Job, preprocessing: Preprocessing) -> Task | None:
    """The task with its images as the augmentation wants them, where it wants others."""
    wanted = canvas_of(spec.recipe.augmentation, preprocessing)
    return _task(job.folders.get(spec.data, spec.task), wanted) if wanted else None


@lru_cache(maxsize=KEPT)
def _backbone(
    name: str,
    weights: str,
    path: str,
    setting: Setting,
    shortcuts: Shortcuts,
    device: torch.device,
) -> Backbone:
    """The backbone with the identity `weights`, which `run_trial` holds against what was loaded:
    a file that was edited is another one.
    """
    del weights
    return towers.load(name, device, setting, path=path, shortcuts=shortcuts)


@lru_cache(maxsize=KEPT)
def _task(name_or_folder: str, preprocessing: Preprocessing) -> Task:
    return tasks.load(name_or_folder, preprocessing)


@cache
def _plugin(identity: str, file_name: str, text: str) -> Plugin:
    """The method called `identity`: an installed one, or the user's file of that text."""
    if not text:
        return find(identity, Path())
    with tempfile.TemporaryDirectory(prefix="sweeper-method-") as folder:
        path = Path(folder).resolve() / file_name
        path.write_text(text, encoding="utf-8", newline="")
        # a traceback quotes the lines of the file, which is gone by then
        linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
        return find(f"./{file_name}", path.parent)
