"""A worker trains a trial on the file of weights that was planned, in the setting that it says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sweeper.catalog import Installed
from sweeper.errors import InputError
from sweeper.execution import worker
from sweeper.execution.job import Job
from sweeper.execution.message import read
from sweeper.execution.worker import keep_to_share, messages
from sweeper.records import TrialResult
from sweeper.spec.load import load
from sweeper.spec.plan import Plan, Resources
from sweeper.train.trained import read as read_trained
from tests.backbones.tiny_file import tiny_file
from tests.tasks.test_folder import fill

SWEEP = """
base: {method: lp, backbone: ./tiny.safetensors, task: ./pets, epochs: 2, lr: 0.01}
protocol: {pooling: patches, normalisation: imagenet}
seeds: [0]
"""


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    fill(tmp_path / "pets" / "cat", 6)
    fill(tmp_path / "pets" / "dog", 6, level=150)
    tiny_file(tmp_path)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return load(tmp_path / "sweep.yaml", Installed())


def trained(plan: Plan, storage: Path) -> TrialResult:
    (spec,) = plan.trials()
    told = [read(one) for one in messages(spec, Job.of(plan, storage), torch.device("cpu"))]
    assert isinstance(told[-1], TrialResult)
    return told[-1]


def test_a_linear_probe_trains_on_a_file_of_weights(planned: Plan, tmp_path: Path) -> None:
    result = trained(planned, tmp_path)
    assert result.test is not None
    assert (result.epochs, result.status.final) == (2, True)
    assert result.provenance["pooling"] == "patches"
    assert "mean=(0.485, 0.456, 0.406)" in result.provenance["preprocessing"]
    assert len(result.provenance["weights_digest"]) == 16
    (spec,) = planned.trials()
    assert spec.backbone == "tiny.safetensors"
    assert str(tmp_path) not in spec.model_dump_json()
    kept = read_trained(Job.of(planned, tmp_path).trained(spec.id))
    assert kept.preprocessing.mean == (0.485, 0.456, 0.406)


def test_a_trial_is_never_trained_on_other_weights(planned: Plan, tmp_path: Path) -> None:
    """Also where the worker has kept the planned ones from an earlier trial."""
    (spec,) = planned.trials()
    tiny_file(tmp_path, classes=3)
    again = load(tmp_path / "sweep.yaml", Installed())
    assert again.trials()[0].id != spec.id
    edited = planned.model_copy(update={"sources": again.sources | planned.sources})
    other = spec.model_copy(update={"weights": "weights-0123456789abcdef"})
    job = Job.of(edited, tmp_path)
    job.weights[other.weights] = job.weights[spec.weights]
    with pytest.raises(InputError, match=r"weights: 'weights-\w+'; expected 'weights-0123456789"):
        list(messages(other, job, torch.device("cpu")))


@pytest.mark.parametrize(("share", "gib", "fraction"), [(0.25, 80, 0.2427), (0.5, 1, 0.25)])
def test_a_worker_keeps_to_its_share_of_a_gpu(
    monkeypatch: pytest.MonkeyPatch, share: float, gib: int, fraction: float
) -> None:
    """Less what CUDA takes beside torch, but never less than half of it."""
    told = []
    there = SimpleNamespace(total_memory=gib * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: there)
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *what: told.append(what)
    )
    keep_to_share(share, torch.device("cuda"))
    assert told == [(pytest.approx(fraction, abs=1e-4), torch.device("cuda"))]


@pytest.mark.parametrize(("gpus", "kept"), [(0.25, [0.25]), (1, []), (2, [])])
def test_only_a_part_of_a_gpu_is_kept_to(
    planned: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gpus: float,
    kept: list[float],
) -> None:
    told = []
    monkeypatch.setattr(worker, "keep_to_share", lambda share, _: told.append(share))
    monkeypatch.setattr(worker, "warm", lambda *_: pytest.fail("far enough"))
    plan = planned.model_copy(update={"resources": Resources(gpus=gpus)})
    with pytest.raises(pytest.fail.Exception):
        list(messages(plan.trials()[0], Job.of(plan, tmp_path), torch.device("cuda")))
    assert told == kept
