"""Exports of methods on the small CLIP, with every tensor changed from where it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from sweeper.backbones.backbone import Backbone
from sweeper.discovery import find
from sweeper.exported.description import docstring, of_trial
from sweeper.exported.folder import write
from sweeper.method import derive, generator
from sweeper.records import Score, TrialResult, TrialStatus
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks.task import TaskInfo
from sweeper.train import trained
from sweeper.train.state import state_of

CLASSES = ("red", "green", "blue")
TASK = TaskInfo("colours", "colours-1", "for tests", CLASSES, "a {} thing", {})
PARAMS: dict[str, dict[str, Any]] = {
    "iip": {"prompt_length": 3},
    "pgn": {"prompt_length": 2, "library_size": 4, "resolution": 32},
}


def spec(backbone: Backbone, method: str = "iip", seed: int = 3) -> TrialSpec:
    plugin = find(method, Path())
    return TrialSpec(
        method=plugin.identity,
        params=plugin.params(**PARAMS.get(plugin.name, {})).model_dump(),
        backbone=backbone.info.name,
        weights=backbone.info.weights,
        task=TASK.name,
        data=TASK.data,
        recipe=Recipe(epochs=2),
        protocol=Protocol(**vars(backbone.info.setting)),
        seed=seed,
    )


def learned(backbone: Backbone, method: str, seed: int = 3) -> nn.Module:
    """The method, after something like training: no tensor is where it started."""
    plugin = find(method, Path())
    module = plugin.module(
        backbone=backbone,
        classes=CLASSES,
        template=TASK.template,
        params=plugin.params(**PARAMS.get(plugin.name, {})),
        seed=derive(seed, "model"),
    )
    draw = generator(0, "learned", method)
    with torch.no_grad():
        for value in state_of(module).values():
            noise = torch.rand(value.shape, generator=draw)
            value.add_(noise if value.is_floating_point() else 7)
    return module.eval()


def result(trial_id: str) -> TrialResult:
    return TrialResult(
        trial_id=trial_id,
        status=TrialStatus.FINISHED,
        val=Score(0.75, 0.5, 120),
        test=Score(0.625, 0.25, 1000),
        trainable_parameters=144,
        epochs=2,
        provenance={"commit": "c0ffee", "version.sweeper": "9.9", "test_digest": "d1"},
    )


def export(folder: Path, backbone: Backbone, method: str = "iip") -> nn.Module:
    """Writes an export to `folder`; returns the module that it was made of."""
    trial, module = spec(backbone, method), learned(backbone, method)
    kept = folder.parent / f"{folder.name}.kept"
    trained.keep(
        module, kept, trial_id=trial.id, task=TASK, preprocessing=backbone.info.preprocessing
    )
    source = Path(find(method, Path()).source).read_bytes()
    found = trained.read(kept)
    kept.unlink()
    own = source if "@" in trial.method else None
    write(folder, of_trial(trial, result(trial.id), found, docstring(source)), found, own)
    return module
