"""A few images of each class of a loaded task: so many shots, or a share of them.

Which images: the seed of the trial, the split and the class decide, and nothing else. Subsets are
nested: the first of a random order, so that the 4-shot subset holds the 2-shot one.

Symbols: N images of a split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from sweeper.seeds import generator
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task

VAL_SHOTS = 4  # at most, as in CoOp's public code


def subset(task: Task, protocol: Protocol, seed: int) -> Task:
    """`task` with the `shots` or the `data_fraction` of `protocol`; test stays whole.

    With shots, train has so many images of each class and val at most four; a class with fewer
    gives all it has. With a fraction, train has that share of each class, at least one image.
    """
    shots, fraction = protocol.shots, protocol.data_fraction
    train, val = task.train, task.val
    if shots:
        train = _first(train, lambda count: min(shots, count), seed, "train")
        val = _first(val, lambda count: min(shots, VAL_SHOTS, count), seed, "val")
    if fraction < 1:
        train = _first(train, lambda count: max(1, round(fraction * count)), seed, "train")
    if train is task.train and val is task.val:
        return task
    sizes = {**task.info.sizes, "train": len(train), "val": len(val)}
    return replace(task, info=replace(task.info, sizes=sizes), train=train, val=val)


def fewer(task: Task, protocol: Protocol) -> tuple[str, ...]:
    """The classes of which the subset `task` has fewer training images than `protocol` asks for."""
    counts = torch.bincount(task.train.labels, minlength=len(task.info.classes)).tolist()
    named = zip(task.info.classes, counts, strict=True)
    return tuple(name for name, count in named if count < protocol.shots)


def _first(split: Split, wanted: Callable[[int], int], seed: int, name: str) -> Split:
    """The first `wanted(count)` of the `count` images of each class, in their order in `split`.

    Copies these images and no others: `split` may be a file of gigabytes.
    """
    counts = torch.bincount(split.labels).tolist()
    groups = torch.split(split.labels.argsort(stable=True), counts)
    kept = [torch.empty(0, dtype=torch.int64)]
    for label, places in enumerate(groups):
        order = torch.randperm(len(places), generator=generator(seed, "subset", name, label))
        kept.append(places[order[: wanted(len(places))]])
    index = torch.cat(kept).sort().values
    if len(index) == len(split):
        return split
    return Split(split.images[index], split.labels[index])
