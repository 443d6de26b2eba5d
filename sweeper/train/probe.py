"""How long a trial will take, from a moment of its own training."""

from __future__ import annotations

import math

import torch

from sweeper.backbones.backbone import Backbone
from sweeper.method import Plugin
from sweeper.seeds import derive
from sweeper.spec.trial import TrialSpec
from sweeper.tasks.task import Split, Task
from sweeper.train.fit import fit

STEPS = 3  # of each of two short epochs; the first one warms up and does not count


def probe_seconds(
    spec: TrialSpec, *, plugin: Plugin, backbone: Backbone, task: Task, device: torch.device
) -> float:
    """Seconds that training `spec` alone would take here, about +-30 %.

    Trains a throw-away copy on a share of the images and scales up; nothing is written.
    """
    if not plugin.trains or spec.recipe.epochs == 0:
        return 0.0
    method = plugin.module(
        backbone=backbone,
        classes=task.info.classes,
        template=task.info.template,
        params=plugin.params(**spec.params),
        seed=derive(spec.seed, "model"),
    ).to(device)
    share = min(1.0, STEPS * spec.recipe.batch_size / len(task.train))
    small = Task(task.info, _part(task.train, share), _part(task.val, share), task.test)
    records = fit(
        method,
        small,
        recipe=spec.recipe.model_copy(update={"epochs": 2, "warmup_epochs": 0, "lr": 1e-6}),
        protocol=spec.protocol,
        preprocessing=backbone.info.preprocessing,
        seed=spec.seed,
        device=device,
    )
    return [record.seconds for record in records][-1] / share * spec.recipe.epochs


def _part(split: Split, share: float) -> Split:
    kept = max(1, math.ceil(len(split) * share))
    return Split(split.images[:kept], split.labels[:kept])
