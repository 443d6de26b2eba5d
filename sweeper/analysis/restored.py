"""Recorded trials as subjects: module, backbone and task again as they were at the end."""

from __future__ import annotations

import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from sweeper.analysis.subject import Subject
from sweeper.backbones import towers
from sweeper.backbones.backbone import Backbone, Preprocessing
from sweeper.backbones.setting import Setting
from sweeper.discovery import find, identity_of, installed
from sweeper.errors import InputError, Problem
from sweeper.method import Plugin
from sweeper.tasks import catalog as tasks
from sweeper.tasks.task import Task
from sweeper.tracking import names
from sweeper.tracking.history import RecordedTrial, launches, read_plan
from sweeper.tracking.store import Store
from sweeper.tracking.trained import snapshot_files, source_of, trained_file
from sweeper.train.state import load_state
from sweeper.train.trained import digest_of, read
from sweeper.train.trial import asked, build

KEPT = 2  # backbones and tasks that stay in memory


class Restorer:
    """Reads trials of `store`; keeps what the next one may stand on too."""

    def __init__(self, store: Store, device: torch.device) -> None:
        self._store, self._device = store, device
        self._load_backbone = lru_cache(KEPT)(self._read_backbone)
        self._load_task = lru_cache(KEPT)(tasks.load)
        self._plans = cache(self._read_plans)

    def subject(
        self,
        trial: RecordedTrial,
        *,
        split: Literal["val", "test"],
        limit: int | None,
        reference: str = "",
    ) -> Subject:
        """The trial to be looked into. Raises InputError where something of it is not to be had."""
        spec = trial.spec
        path = self._source(trial, spec.weights)
        backbone = self._load_backbone(spec.backbone, Setting.of(spec.protocol), path)
        if backbone.info.weights != spec.weights:
            got, rule = f"its weights are {backbone.info.weights}", f"{spec.weights}, as then"
            raise InputError(Problem(f"backbone '{spec.backbone}'", got, rule))
        task = self._task(trial, backbone.info.preprocessing)
        return Subject(
            module=self._module(trial, backbone, task).to(self._device).eval(),
            backbone=backbone,
            task=task,
            seed=spec.seed,
            device=self._device,
            split=split,
            limit=limit,
            reference=reference,
            snapshots=snapshot_files(self._store, trial),
        )

    def _read_backbone(self, name: str, setting: Setting, path: str) -> Backbone:
        return towers.load(name, self._device, setting, path=path)

    def _task(self, trial: RecordedTrial, preprocessing: Preprocessing) -> Task:
        """The task that the trial was trained on, from where its plan found it."""
        name = self._source(trial, trial.spec.data) or trial.spec.task
        task = self._load_task(name, preprocessing)
        if task.info.data != trial.spec.data:
            got = f"its images are {task.info.data}"
            raise InputError(Problem(f"task '{name}'", got, f"{trial.spec.data}, as then"))
        return asked(task, trial.spec)

    def _module(self, trial: RecordedTrial, backbone: Backbone, task: Task) -> nn.Module:
        """The method of the trial as it stood at the end of training."""
        module = build(trial.spec, self._plugin(trial), backbone, task)
        result = trial.result
        digest = result.provenance.get(names.TRAINED) if result is not None else None
        if result is not None and digest is None and result.trainable_parameters == 0:
            return module
        path = trained_file(self._store, trial)
        trained = read(path)
        if digest_of(path) != digest or trained.trial_id != trial.trial_id:
            got, rule = "other tensors than the trial recorded", "the trial's own file"
            raise InputError(Problem(str(path), got, rule))
        load_state(module, trained.state)
        return module

    def _plugin(self, trial: RecordedTrial) -> Plugin:
        """The method: the one that is installed, or the text that the trial was trained with."""
        name = trial.spec.method
        source = source_of(self._store, trial) if "@" in name else None
        if source is None:
            return installed(name)
        self._check_origin(trial, name)
        with tempfile.TemporaryDirectory(prefix="sweeper-method-") as place:
            file = Path(place).resolve() / f"{name.partition('@')[0]}.py"
            file.write_bytes(source)
            found = find(f"./{file.name}", file.parent)
        if found.identity != name:
            raise InputError(Problem(f"method '{name}'", f"its text is {found.identity}", name))
        return found

    def _check_origin(self, trial: RecordedTrial, name: str) -> None:
        """Raises InputError where the method's text is known from a server alone.

        A folder of the user's is theirs; who writes to a server must not run code here.
        """
        own = Path(self._source(trial, name))
        if self._store.artifacts is None and not (
            own.is_file() and identity_of(own.stem, own) == name
        ):
            got, rule = "a text on a server, which is not run", f"the file itself at {own}"
            raise InputError(Problem(f"method '{name}'", got, rule, "Put it there again."))

    def _source(self, trial: RecordedTrial, identity: str) -> str:
        """Where the plans of the trial found the user's file of this identity; empty for none."""
        plans = trial.used_by | {trial.first_plan}
        sources = (files for digest, files in self._plans(trial.sweep) if digest in plans)
        return next((each[identity] for each in sources if identity in each), "")

    def _read_plans(self, sweep: str) -> list[tuple[str, dict[str, str]]]:
        """Digest and files of each launch of a sweep, newest first."""
        return [
            (launch.digest, read_plan(self._store, launch).sources)
            for launch in launches(self._store, sweep)
        ]
