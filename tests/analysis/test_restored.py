"""Trials as subjects again: from the store, with the task and the tensors that they had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.analysis import making, restored
from sweeper.backbones import towers
from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from sweeper.records import TrialStatus
from sweeper.spec.plan import Plan, Role
from sweeper.spec.shown import Figure, Table
from sweeper.spec.snapshots import snapshot_file
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks import catalog
from sweeper.tracking import analysed
from sweeper.tracking.history import recorded_trials
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from sweeper.train.trained import digest_of, read
from sweeper.train.trial import run_trial
from tests.analysis import tiny
from tests.tracking import made

VARIANCE = "analysis/variance/classes_with_images"


def trial(method: str, seed: int) -> TrialSpec:
    plugin = discovery.find(method, Path())
    params = plugin.params(**tiny.SETTINGS.get(method, {})).model_dump()
    return TrialSpec(
        method=method, params=params, backbone="small", weights="random", task="colours",
        data="colours-1", recipe=Recipe(epochs=2, lr=0.05, batch_size=8, snapshots=2),
        protocol=Protocol(), seed=seed,
    )  # fmt: skip


def cell(label: str, method: str) -> Any:
    trials = tuple(trial(method, seed) for seed in (0, 1))
    config = {key: value for key, value in trials[0].flat().items() if key != "seed"}
    found = made.cell(Role(axis="method", label=label), seeds=(0, 1))
    return found.model_copy(update={"id": trials[0].cell_id, "config": config, "trials": trials})


@pytest.fixture(scope="module")
def plan() -> Plan:
    shown = Figure(id="F", title="F", axis="method", kind="analysis", analysis="cka")
    return Plan(
        sweep="looked-into",
        profile="demo",
        seeds=(0, 1),
        cells=(cell("IIP", "iip"), cell("LP", "lp")),
        tables=(Table(id="T", title="T", axis="method", measure=VARIANCE),),
        figures=(shown,),
    )


@pytest.fixture(scope="module", autouse=True)
def _tiny_things(backbone: ClipBackbone) -> Iterator[None]:
    """Whatever backbone and task a trial names, it gets the tiny ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(towers, "load", lambda *_, **__: backbone)
        patch.setattr(catalog, "load", lambda *_, **__: tiny.task())
        yield


@pytest.fixture(scope="module")
def read_only(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, backbone: ClipBackbone
) -> Store:
    return recorded(tmp_path_factory.mktemp("read"), plan, backbone)


@pytest.fixture
def store(tmp_path: Path, plan: Plan, backbone: ClipBackbone) -> Store:
    return recorded(tmp_path, plan, backbone)


def recorded(tmp_path: Path, plan: Plan, backbone: ClipBackbone) -> Store:
    """Everything of the plan trained and recorded."""
    found = made.blank_store(tmp_path)
    left = tmp_path / "left"
    with Writer(found, plan, trained=lambda key: left / key / "state.safetensors") as writer:
        for spec in plan.trials():
            path = left / spec.id / "state.safetensors"
            plugin = discovery.find(spec.method, Path())
            training = run_trial(
                spec, plugin=plugin, backbone=backbone, task=tiny.task(), device=tiny.CPU, keep=path
            )
            writer.trial_started(spec, 1)
            while True:
                try:
                    writer.epoch(spec, next(training))
                except StopIteration as end:
                    result = end.value
                    break
            own = {**result.provenance, "trained": digest_of(path)}
            writer.trial_ended(spec, replace(result, provenance=own))
    return found


def test_a_subject_has_the_tensors_of_the_end_and_of_each_snapshot(
    read_only: Store, plan: Plan
) -> None:
    spec = plan.cells[0].trials[1]
    found = recorded_trials(read_only)[spec.id]
    subject = restored.Restorer(read_only, tiny.CPU).subject(found, split="test", limit=5)
    state = dict(subject.module.named_parameters())
    assert sorted(subject.snapshots) == [1, 2]
    first, last = (read(subject.snapshots[epoch]).state for epoch in (1, 2))
    assert all(torch.equal(state[name], last[name]) for name in state)
    assert not all(torch.equal(first[name], last[name]) for name in state)
    assert (subject.seed, len(subject.places), subject.module.training) == (1, 5, False)


def test_the_task_has_the_images_and_the_template_of_the_trial(
    read_only: Store, plan: Plan
) -> None:
    spec = plan.cells[0].trials[0]
    found = recorded_trials(read_only)[spec.id]
    few = spec.model_copy(update={"protocol": Protocol(shots=2, template="a scan of a {}.")})
    worded = replace(found, spec_json=few.model_dump_json())
    task = restored.Restorer(read_only, tiny.CPU).subject(worded, split="test", limit=5).task
    assert task.info.template == "a scan of a {}."
    assert len(task.train) == 2 * len(tiny.CLASSES)


@pytest.mark.parametrize("what", ["data", "weights"])
def test_other_images_or_weights_than_then_are_refused(
    read_only: Store, plan: Plan, what: str
) -> None:
    spec = plan.cells[0].trials[0]
    found = recorded_trials(read_only)[spec.id]
    older = replace(found, spec_json=spec.model_copy(update={what: "older"}).model_dump_json())
    with pytest.raises(InputError, match="older, as then"):
        restored.Restorer(read_only, tiny.CPU).subject(older, split="test", limit=5)


def test_tensors_that_the_trial_did_not_record_are_refused(read_only: Store, plan: Plan) -> None:
    found = recorded_trials(read_only)[plan.cells[0].trials[0].id]
    assert found.result is not None
    other = replace(found.result, provenance={**found.result.provenance, "trained": "another"})
    with pytest.raises(InputError, match="other tensors than the trial recorded"):
        restored.Restorer(read_only, tiny.CPU).subject(
            replace(found, result=other), split="test", limit=5
        )


def test_what_is_missing_is_made_once_and_refusals_stop_nothing(store: Store, plan: Plan) -> None:
    todo = analysed.missing(store, plan)
    iip, lp = (plan.cells[n].trials for n in (0, 1))
    assert {trial.trial_id: names for trial, names in todo} == {
        iip[0].id: ["cka", "variance"],
        iip[1].id: ["variance"],
        lp[0].id: ["cka", "variance"],
        lp[1].id: ["variance"],
    }
    said: list[str] = []
    making.make(store, todo, said.append)
    assert len([line for line in said if line.startswith("analysis ")]) == 4
    refused = [line for line in said if line.startswith("left out")]
    assert len(refused) == 1
    assert "no prompt tokens" in refused[0]
    recorded = recorded_trials(store)
    assert all(recorded[spec.id].metrics[VARIANCE] == 3 for spec in (*iip, *lp))
    assert "no prompt tokens" in recorded[lp[0].id].refused["cka"]
    left = analysed.missing(store, plan)
    assert [(trial.trial_id, names) for trial, names in left] == [(lp[0].id, ["cka"])]


def test_an_interruption_loses_nothing_that_is_done(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = analysed.keep
    kept: list[str] = []

    def interrupted(*what: Any) -> None:
        if len(kept) == 2:
            raise KeyboardInterrupt
        keep(*what)
        kept.append(what[2])

    before = sum(len(names) for _, names in analysed.missing(store, plan))
    monkeypatch.setattr(making, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        making.make(store, analysed.missing(store, plan), lambda _: None)
    after = sum(len(names) for _, names in analysed.missing(store, plan))
    assert (before, after) == (6, 4)


def test_an_analysis_of_other_images_than_a_report_shows_is_made_again(
    store: Store, plan: Plan, tmp_path: Path
) -> None:
    trial = recorded_trials(store)[plan.cells[0].trials[1].id]
    restorer = restored.Restorer(store, tiny.CPU)
    for limit, reference, left in ((4, "", True), (500, "x", True), (500, "", False)):
        subject = restorer.subject(trial, split="test", limit=limit, reference=reference)
        making.ANALYSES["variance"](subject, tmp_path / "made")
        analysed.keep(store, trial, "variance", tmp_path / "made")
        asked = {each.trial_id for each, _ in analysed.missing(store, plan)}
        assert (trial.trial_id in asked) is left


def test_trials_that_have_not_finished_are_asked_for_nothing(tmp_path: Path, plan: Plan) -> None:
    store = made.blank_store(tmp_path)
    spec = plan.cells[0].trials[0]
    with Writer(store, plan) as writer:
        made.train(writer, spec, made.result(spec, TrialStatus.FAILED))
    assert analysed.missing(store, plan) == []


def test_snapshots_are_artifacts_of_the_run(read_only: Store, plan: Plan) -> None:
    run = recorded_trials(read_only)[plan.cells[0].trials[0].id]
    files = {item.path for item in read_only.client.list_artifacts(run.run_id, "trained")}
    assert files == {
        f"trained/{name}" for name in ("state.safetensors", *map(snapshot_file, (1, 2)))
    }
