"""The memory of the trials of a plan, and the warning where a GPU is too small."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sweeper.backbones import shipped
from sweeper.execution import footprint, worker
from sweeper.execution.footprint import footprints, gpu_room, known_footprints, shortages
from sweeper.spec.plan import Cell, Plan, Resources
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks import catalog as tasks

CPU = torch.device("cpu")


def trial(seed: int = 0, **recipe: object) -> TrialSpec:
    return TrialSpec(
        method="bitfit",
        params={"head": "linear", "head_init": "kaiming"},
        backbone="embedded",
        weights=shipped.describe().weights,
        task="digits",
        data=tasks.describe("digits", Path()).data,
        recipe=Recipe(**{"batch_size": 16, **recipe}),
        protocol=Protocol(),
        seed=seed,
    )


def plan(*trials: TrialSpec, **resources: object) -> Plan:
    cells = tuple(Cell(id=each.cell_id, config={}, trials=(each,)) for each in trials)
    own = Resources(**resources)
    return Plan(sweep="s", profile="", seeds=(0,), cells=cells, resources=own)


@pytest.fixture
def _gpu(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """As on a machine with a GPU of that many bytes."""
    found = SimpleNamespace(total_memory=request.param)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: found)


def test_cells_that_differ_in_no_memory_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    real = footprint.memory_of_trial
    monkeypatch.setattr(
        footprint, "memory_of_trial", lambda spec, **own: counted.append(spec) or real(spec, **own)
    )
    trials = [trial(), trial(seed=1), trial(lr=0.5), trial(batch_size=32)]
    found = footprints(plan(*trials), trials, CPU)
    assert len(counted) == 2
    small, other, large = (found[each.cell_id] for each in (trials[0], *trials[2:]))
    assert small == other
    assert 1.8 < large.batch / small.batch < 2.2
    known = known_footprints(plan(*trials), trials)
    assert known[trials[0].cell_id] == small.total / 2**30


def test_without_a_gpu_here_nothing_is_known_of_trials_on_gpus() -> None:
    found = plan(trial(), gpus=1)
    assert gpu_room(found) is None
    assert shortages(found, found.trials()) == []
    assert known_footprints(found, found.trials()) == {}
    assert gpu_room(plan(trial())) is None


@pytest.mark.usefixtures("_gpu")
@pytest.mark.parametrize("_gpu", [40 << 20], indirect=True)
def test_a_trial_larger_than_its_share_of_a_gpu_is_told_before_the_launch() -> None:
    trials = [trial(batch_size=4), trial(batch_size=512)]
    assert gpu_room(plan(*trials, gpus=0.5)) == 20 << 20
    assert gpu_room(plan(*trials, gpus=2)) == 40 << 20
    (line,) = shortages(plan(*trials, gpus=1), trials)
    assert "bitfit on embedded, digits, batch_size 512 needs about" in line
    assert line.endswith(
        "0.0 GiB of a GPU; batches will be cut into micro-batches and the cell marked"
    )
    (line,) = shortages(plan(*trials, gpus=1, workers=2), trials)
    assert "it will fail" in line


def test_the_worker_takes_the_shortcuts_that_the_plan_says() -> None:
    for shortcuts in (True, False):
        found = plan(trial(), shortcuts=shortcuts)
        _, backbone, _ = worker.warm(trial(), worker.Job.of(found), CPU)
        taken = backbone._image.shortcuts  # type: ignore[attr-defined]
        assert (taken.fused, taken.replaced, taken.last, taken.cut, taken.kept) == (shortcuts,) * 5
