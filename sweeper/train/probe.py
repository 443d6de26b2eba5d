"""How long a trial will take, from a moment of its own training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from types import MappingProxyType

import torch
from torch.nn import functional

from sweeper.backbones.backbone import Backbone, Preprocessing
from sweeper.method import Constructs, Plugin
from sweeper.spec.trial import TrialSpec
from sweeper.tasks.task import Split, Task
from sweeper.train.accumulation import Attempts, most_micro_batches
from sweeper.train.augmentation import canvas_of
from sweeper.train.construction import construct
from sweeper.train.features import Features
from sweeper.train.fit import fit, rounds_of
from sweeper.train.shard import WHOLE
from sweeper.train.state import trainable
from sweeper.train.trial import asked, build

STEPS = 3  # of each of two short epochs; the first one warms up and does not count


def probe_seconds(
    spec: TrialSpec,
    *,
    plugin: Plugin,
    backbone: Backbone,
    task: Task,
    device: torch.device,
    others: Mapping[str, Split] = MappingProxyType({}),
) -> float:
    """Seconds that training `spec` alone would take here, about +-30 %.

    Constructs in full, where there is something to construct, as nothing tells how its cost
    grows; trains a throw-away copy on a share of the images and scales up. What happens between
    two rounds is not counted. Nothing is written.
    """
    trains = plugin.trains and spec.recipe.epochs > 0
    if not trains and not issubclass(plugin.module, Constructs):
        return 0.0
    task = asked(task, spec)
    method = build(spec, plugin, backbone, task).to(device)
    preprocessing = backbone.info.preprocessing
    measured = construct(method, task, others, spec.protocol, preprocessing, device)
    constructed = sum(measured.values())
    if not trains or not trainable(method):
        return constructed
    share = min(1.0, STEPS * spec.recipe.batch_size / len(task.train))
    parts = (_part(split, share) for split in (task.train, task.val, task.test))
    small = Task(task.info, *parts)
    epochs_from = partial(
        fit,
        method,
        small,
        recipe=spec.recipe.model_copy(update={"epochs": 2, "warmup_epochs": 0, "lr": 1e-6}),
        protocol=spec.protocol,
        preprocessing=preprocessing,
        seed=spec.seed,
        device=device,
        canvas=_stand_in(small, spec, preprocessing),
        features=Features.of(plugin, method, backbone, spec.recipe),
    )
    most = most_micro_batches(method, small, spec.recipe.batch_size, WHOLE)
    *_, last = islice(Attempts(epochs_from, method, lambda: None, most).records(None), 2)
    return constructed + last.seconds / share * spec.recipe.epochs * rounds_of(method)


def _stand_in(task: Task, spec: TrialSpec, preprocessing: Preprocessing) -> Task | None:
    """`task` enlarged to the size that the augmentation wants: other pixels, as much work."""
    wanted = canvas_of(spec.recipe.augmentation, preprocessing)
    if wanted is None:
        return None

    def enlarged(split: Split) -> Split:
        size = (wanted.size, wanted.size)
        return Split(functional.interpolate(split.images, size, mode="nearest"), split.labels)

    return replace(task, train=enlarged(task.train), val=enlarged(task.val))


def _part(split: Split, share: float) -> Split:
    kept = max(1, math.ceil(len(split) * share))
    return Split(split.images[:kept], split.labels[:kept])
