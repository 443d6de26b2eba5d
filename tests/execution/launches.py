"""Small plans, methods written to a file, and a listener that remembers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sweeper.catalog import Installed
from sweeper.faults import Incident
from sweeper.records import EpochRecord, TrialResult
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.trial import Protocol, Recipe, TrialSpec

# A linear probe whose training can be slow, can diverge, or can raise, and that says where it runs.
METHOD = '''
"""A linear probe with a temper."""

import os
import time

import torch
from torch import nn

from sweeper.method import MethodParams, generator

SPACE, PRESETS, REQUIRES = {}, {}, frozenset()


class Params(MethodParams):
    sleep: float = 0.0
    temper: str = "calm"
    diary: str = ""


def skip(params, backbone):
    return None


class Method(nn.Module):
    def __init__(self, *, backbone, classes, template, params, seed):
        super().__init__()
        self._backbone, self.params = [backbone], params
        draw = generator(seed, "head")
        self.head = nn.Parameter(torch.randn(len(classes), 3 * 64, generator=draw) / 20)

    def forward(self, images):
        if self.params.diary:
            with open(self.params.diary, "w") as file:
                file.write(str(os.getpid()))
        if self.training:
            time.sleep(self.params.sleep)
            if self.params.temper == "raises":
                raise ValueError("no patience")
        small = nn.functional.adaptive_avg_pool2d(images, 8).flatten(1)
        logits = small @ self.head.T
        return logits * float("inf") if self.params.temper == "diverges" else logits
'''


def write_method(folder: Path) -> Path:
    path = folder / "temper.py"
    path.write_text(METHOD)
    return path


def trial(
    method: str = "lp",
    *,
    seed: int = 0,
    params: dict[str, Any] | None = None,
    task: str = "digits",
    **recipe: Any,
) -> TrialSpec:
    """A short trial on the embedded backbone."""
    entry = Installed().method(method, Path())
    name, data = _task(task)
    settings: dict[str, Any] = {"epochs": 2, "lr": 0.01, "batch_size": 100} | recipe
    return TrialSpec(
        method=entry.identity,
        params=entry.complete(params or {}),
        backbone="embedded",
        weights=Installed().backbone("embedded", Path()).identity,
        task=name,
        data=data,
        recipe=Recipe(**settings),
        protocol=Protocol(),
        seed=seed,
    )


def plan(*trials: TrialSpec, **settings: Any) -> Plan:
    """A plan of one cell for each trial."""
    cells = tuple(Cell(id=each.cell_id, config=each.flat(), trials=(each,)) for each in trials)
    return Plan(sweep="test", profile="demo", seeds=(0,), cells=cells, **settings)


class Heard:
    """A listener that keeps everything it was told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int]] = []  # what, trial id, attempt or epoch
        self.results: dict[str, TrialResult] = {}
        self.incidents: list[Incident] = []

    def trial_started(self, spec: TrialSpec, attempt: int) -> None:
        self.events.append(("started", spec.id, attempt))

    def epoch(self, spec: TrialSpec, record: EpochRecord) -> None:
        self.events.append(("epoch", spec.id, record.epoch))

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        assert spec.id not in self.results, "a trial ended twice"
        self.events.append(("ended", spec.id, 0))
        self.results[spec.id] = result

    def incident(self, incident: Incident) -> None:
        self.incidents.append(incident)

    def of(self, spec: TrialSpec) -> list[tuple[str, int]]:
        return [(what, number) for what, trial_id, number in self.events if trial_id == spec.id]


@cache
def _task(name: str) -> tuple[str, str]:
    found = Installed().task(name, Path())
    return found.name, found.identity
