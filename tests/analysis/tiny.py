"""A task of coloured images at the size of the small backbones, and methods trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from sweeper import discovery
from sweeper.analysis.subject import Subject
from sweeper.backbones.backbone import Backbone
from sweeper.seeds import generator
from sweeper.spec.trial import Protocol, Recipe
from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.train.fit import fit

CLASSES = ("red", "green", "blue")
CPU = torch.device("cpu")
SETTINGS: dict[str, dict[str, Any]] = {
    "iip": {"prompt_length": 3},
    "pgn": {"prompt_length": 3, "library_size": 8, "resolution": 32},
    "lp": {},
}


def split(name: str, count: int) -> Split:
    """Images whose brightest channel is their label, under strong noise."""
    draw = generator(0, "analysis tests", name)
    labels = torch.arange(count) % len(CLASSES)
    images = torch.randint(0, 160, (count, 3, 32, 32), generator=draw)
    images[torch.arange(count), labels] += 60
    return Split(images.to(torch.uint8), labels)


def task() -> Task:
    info = TaskInfo("colours", "colours-1", "for tests", CLASSES, "a {}", {})
    return Task(info, split("train", 24), split("val", 9), split("test", 70))


def method(name: str, backbone: Backbone, **settings: Any) -> nn.Module:
    plugin = discovery.find(name, Path())
    return plugin.module(
        backbone=backbone,
        classes=CLASSES,
        template="a {}",
        params=plugin.params(**SETTINGS[name] | settings),
        seed=0,
    )


def trained(name: str, backbone: Backbone, **settings: Any) -> Subject:
    """Two epochs of the method on the task."""
    module, found = method(name, backbone, **settings), task()
    epochs = fit(
        module,
        found,
        recipe=Recipe(epochs=2, batch_size=8, lr=0.05),
        protocol=Protocol(),
        preprocessing=backbone.info.preprocessing,
        seed=0,
        device=CPU,
    )
    assert len(list(epochs)) == 2
    return Subject(module, backbone, found, seed=0, device=CPU)
