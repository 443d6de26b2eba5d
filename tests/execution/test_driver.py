"""Launches on a real local Ray."""

from __future__ import annotations

import os
import signal
from collections.abc import Container
from pathlib import Path

import pytest
import torch

from sweeper.backbones import towers
from sweeper.discovery import find
from sweeper.errors import StoreError
from sweeper.execution.driver import launch
from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.spec.plan import EarlyTerminate, Resources, Search
from sweeper.spec.trial import TrialSpec
from sweeper.tasks import catalog as tasks
from sweeper.train.trial import run_trial

from .launches import Heard, plan, trial, write_method

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("local_ray")]


def undisturbed(spec: TrialSpec, source: str | None = None) -> TrialResult:
    """The same trial in this process, without Ray."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    backbone = towers.load(spec.backbone)
    training = run_trial(
        spec,
        plugin=find(source or spec.method, Path()),
        backbone=backbone,
        task=tasks.load(spec.task, backbone.info.preprocessing),
        device=torch.device("cpu"),
    )
    try:
        while True:
            next(training)
    except StopIteration as end:
        return end.value
    finally:
        torch.set_num_threads(threads)


def test_actors_keep_their_backbone_and_each_trial_is_told_in_order(tmp_path: Path) -> None:
    specs = [trial(seed=seed) for seed in range(5)]
    heard = Heard()
    outcome = launch(plan(*specs), specs, listeners=[heard], storage=tmp_path)
    assert outcome.results == heard.results
    for spec in specs:
        assert heard.of(spec) == [("started", 1), ("epoch", 1), ("epoch", 2), ("ended", 0)]
    results = heard.results.values()
    assert {result.status for result in results} == {TrialStatus.FINISHED}
    assert {result.provenance["backbone_loads"] for result in results} == {"1"}
    assert len({result.provenance["worker"] for result in results}) <= 2
    assert heard.results[specs[0].id].test == undisturbed(specs[0]).test
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [], "scratch files or checkpoints of finished trials stay behind"
    assert not (Path.home() / "ray_results").exists()


def test_a_divergence_is_a_result_and_an_error_is_tried_again(tmp_path: Path) -> None:
    source = write_method(tmp_path)
    calm, diverging, raising = (
        trial(str(source), params={"temper": temper}, epochs=1)
        for temper in ("calm", "diverges", "raises")
    )
    shared = plan(calm, diverging, raising, sources={calm.method: str(source)})
    heard = Heard()
    launch(shared, shared.trials(), listeners=[heard], storage=tmp_path, max_failures=1)
    assert heard.results[calm.id].status is TrialStatus.FINISHED
    assert heard.results[diverging.id].status is TrialStatus.DIVERGED
    assert "learning rate" in heard.results[diverging.id].reason
    assert heard.of(diverging) == [("started", 1), ("ended", 0)]
    failed = heard.results[raising.id]
    assert failed.status is TrialStatus.FAILED
    assert failed.reason.startswith("ValueError: no patience")
    assert heard.of(raising) == [("started", 1), ("started", 2), ("ended", 0)]
    trace = (tmp_path / "failures" / f"{raising.id}.txt").read_text()
    assert "raise ValueError" in trace


class Killer(Heard):
    """Kills the worker that wrote `diary` in epoch `at`, and each worker of `idle` as it ends."""

    def __init__(self, diary: Path, at: int, idle: Container[str]) -> None:
        super().__init__()
        self.diary, self.at, self.idle, self.killed = diary, at, idle, False

    def epoch(self, spec: TrialSpec, record: EpochRecord) -> None:
        super().epoch(spec, record)
        if record.epoch == self.at and not self.killed:
            self.killed = True
            os.kill(int(self.diary.read_text()), signal.SIGKILL)

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        super().trial_ended(spec, result)
        if spec.id in self.idle:  # before the worker takes another trial
            os.kill(int(result.provenance["worker"].split(":")[1]), signal.SIGKILL)


def test_a_killed_worker_continues_from_its_checkpoint_or_takes_no_trial_with_it(
    tmp_path: Path,
) -> None:
    source, diary = write_method(tmp_path), tmp_path / "diary"
    slow = trial(str(source), params={"sleep": 0.08, "diary": str(diary)}, epochs=12)
    quick = [trial(seed=seed, epochs=1) for seed in range(4)]
    shared = plan(slow, *quick, sources={slow.method: str(source)})
    heard = Killer(diary, at=10, idle={quick[0].id})
    launch(shared, [slow, *quick], listeners=[heard], storage=tmp_path)
    assert heard.killed
    told = heard.of(slow)
    again = told[told.index(("started", 2)) + 1 :]
    first = again[0][1]
    assert 1 < first <= 11, "the second attempt began anew, or skipped an epoch"
    assert again == [*(("epoch", number) for number in range(first, 13)), ("ended", 0)]
    assert heard.results[slow.id].test == undisturbed(slow, str(source)).test
    for spec in quick:
        assert heard.of(spec) == [("started", 1), ("epoch", 1), ("ended", 0)]
        assert heard.results[spec.id].status is TrialStatus.FINISHED


def test_an_error_of_a_listener_comes_out_as_it_is(tmp_path: Path) -> None:
    class Full(Heard):
        def trial_started(self, _spec: TrialSpec, _attempt: int) -> None:
            raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="the disk is full"):
        launch(plan(trial()), [trial()], listeners=[Full()], storage=tmp_path)


def test_a_search_draws_trains_stops_early_and_counts_what_is_done(tmp_path: Path) -> None:
    def build(draw: dict[str, float]) -> TrialSpec:
        return trial(lr=draw["lr"], epochs=4)

    def hunt(count: int) -> Search:
        return Search(
            method="tpe",
            num_trials=count,
            base={"backbone": "embedded", "epochs": 4},
            space={"lr": {"kind": "log_uniform", "low": 1e-7, "high": 0.1}},
            early_terminate=EarlyTerminate(min_iter=1, eta=2),
        )

    heard = Heard()
    fixed = trial(lr=0.02, epochs=4)
    launch(plan(fixed, search=hunt(8)), [fixed], listeners=[heard], storage=tmp_path, build=build)
    assert len(heard.results) == 9
    assert heard.results[fixed.id].status is TrialStatus.FINISHED
    for result in heard.results.values():
        assert result.status in (TrialStatus.FINISHED, TrialStatus.STOPPED)
        assert (result.test is None) is (result.status is TrialStatus.STOPPED)
    stopped = [r for r in heard.results.values() if r.status is TrialStatus.STOPPED]
    assert stopped, "nothing was stopped early"
    assert all(1 <= result.epochs < 4 for result in stopped)

    ended = [(trial(lr=lr, epochs=4), 0.1) for lr in (1e-6, 1e-5, 1e-4)]
    again = Heard()
    launch(plan(search=hunt(4)), [], listeners=[again], storage=tmp_path, build=build, ended=ended)
    assert len(again.results) == 1


def test_two_workers_under_ray_train_reach_what_one_reaches(tmp_path: Path) -> None:
    spec = trial("iip", epochs=2, batch_size=64)
    heard = Heard()
    shared = plan(spec, resources=Resources(workers=2))
    launch(shared, [spec], listeners=[heard], storage=tmp_path)
    two, one = heard.results[spec.id], undisturbed(spec)
    assert heard.of(spec) == [("started", 1), ("epoch", 1), ("epoch", 2), ("ended", 0)]
    assert two.status is TrialStatus.FINISHED
    assert two.provenance["workers"] == "2"
    assert two.test is not None
    assert one.test is not None
    assert two.test.loss == pytest.approx(one.test.loss, rel=1e-3)
    assert two.test.acc == pytest.approx(one.test.acc, abs=0.01)
