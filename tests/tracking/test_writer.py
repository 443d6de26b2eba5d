import dataclasses
import sqlite3
from pathlib import Path

import pytest

from sweeper.errors import InputError, StoreError
from sweeper.records import TrialStatus
from sweeper.spec.plan import Plan
from sweeper.tracking import history, names
from sweeper.tracking.cells import run_name
from sweeper.tracking.writer import Writer

from . import made


@pytest.fixture
def store(tmp_path):
    return made.blank_store(tmp_path)


def small(seeds=made.SEEDS, **changes) -> Plan:
    """Two cells of `seeds`; `changes` make it another plan."""
    cells = (made.cell(prompt_length=4, seeds=seeds), made.cell(prompt_length=8, seeds=seeds))
    return Plan(sweep="small", profile="demo", seeds=seeds, cells=cells, **changes)


def runs(store, kind):
    experiment = history.experiments(store)["small"]
    where = f"tags.`{names.KIND}` = '{kind}'"
    return {run.info.run_id: run for run in store.client.search_runs([experiment], where)}


def points(store, run_id, metric):
    found = store.client.get_metric_history(run_id, metric)
    return [(point.step, point.value) for point in found]


def test_a_trial_is_recorded_under_its_cell_under_its_launch(store):
    plan = small()
    spec = plan.cells[0].trials[0]
    with Writer(store, plan) as writer:
        made.train(writer, spec)
    (trial,) = runs(store, names.TRIAL).values()
    cells = runs(store, names.CELL)
    (launch,) = runs(store, names.LAUNCH).values()
    parent = cells[trial.data.tags[names.PARENT]]
    assert parent.data.tags[names.CELL_ID] == plan.cells[0].id
    assert all(cell.data.tags[names.PARENT] == launch.info.run_id for cell in cells.values())
    assert len(cells) == 2
    assert trial.data.params == {key: str(value) for key, value in spec.flat().items()}
    assert parent.data.params == {key: str(value) for key, value in plan.cells[0].config.items()}
    assert trial.info.status == launch.info.status == "FINISHED"
    assert trial.data.metrics["test/acc"] == made.accuracy(spec)
    assert trial.data.metrics[names.TRAINABLE_PARAMETERS] == 1234
    assert trial.data.metrics[names.SECONDS] == 1.5
    assert points(store, trial.info.run_id, "val/acc") == [(1, 0.5), (2, 0.5), (3, 0.5)]
    for key in ("commit", "dirty", "version.torch", "hardware", "device", "data_digest"):
        assert trial.data.tags[names.PROVENANCE + key]


def test_a_cell_holds_mean_and_interval_over_the_seeds_that_finished(store):
    plan = small()
    first = plan.cells[0]
    with Writer(store, plan) as writer:
        for spec, acc in zip(first.trials, (0.1, 0.2, 0.3), strict=True):
            made.train(writer, spec, made.result(spec, acc=acc))
    by_cell = {run.data.tags[names.CELL_ID]: run for run in runs(store, names.CELL).values()}
    done, waiting = by_cell[first.id], by_cell[plan.cells[1].id]
    assert done.data.metrics["test/acc_mean"] == pytest.approx(0.2)
    assert done.data.metrics["test/acc_std"] == pytest.approx(0.1)
    assert done.data.metrics["test/acc_ci95"] == pytest.approx(0.1 * 4.302653 / 3**0.5)
    assert done.data.metrics["n_seeds"] == 3
    assert (done.info.status, waiting.info.status) == ("FINISHED", "RUNNING")
    assert points(store, done.info.run_id, "n_seeds") == [(1, 1), (2, 2), (3, 3)]


def test_what_a_trial_measured_besides_is_a_metric_of_it_and_a_mean_of_its_cell(store):
    plan = small()
    accs = {"test/acc/pets": (0.1, 0.2, 0.3), "test/acc/farm": (0.5, 0.5, 0.5)}
    with Writer(store, plan) as writer:
        for i, spec in enumerate(plan.cells[0].trials):
            measured = {name: values[i] for name, values in accs.items()}
            ended = dataclasses.replace(made.result(spec), measured=measured)
            made.train(writer, spec, ended)
            recorded = history.recorded_trials(store)[spec.id]
            assert recorded.result.measured == measured
            assert recorded.metrics.items() >= measured.items()
    (done,) = (r for r in runs(store, names.CELL).values() if "n_seeds" in r.data.metrics)
    assert done.data.metrics["test/acc/pets_mean"] == pytest.approx(0.2)
    assert done.data.metrics["test/acc/pets_std"] == pytest.approx(0.1)
    assert done.data.metrics["test/acc/farm_mean"] == 0.5
    assert done.data.metrics["test/acc/farm_ci95"] == 0
    assert done.data.metrics["n_seeds"] == 3


def test_a_trial_that_goes_on_continues_its_run_without_writing_an_epoch_twice(store):
    plan = small()
    spec = plan.cells[0].trials[0]
    killed = Writer(store, plan)
    killed.trial_started(spec, 1)
    killed.epoch(spec, made.record(1))
    killed.epoch(spec, made.record(2))
    assert history.finished(store, [spec.id]) == {}
    with Writer(store, plan) as writer:
        writer.trial_started(spec, 1)
        writer.epoch(spec, made.record(2))  # the checkpoint was one epoch behind the record
        writer.epoch(spec, made.record(3))
        writer.trial_ended(spec, made.result(spec))
    (trial,) = runs(store, names.TRIAL).values()
    assert [step for step, _ in points(store, trial.info.run_id, "train/loss")] == [1, 2, 3]
    assert len(runs(store, names.LAUNCH)) == 1
    assert len(runs(store, names.CELL)) == 2
    assert history.finished(store, [spec.id]) == {
        spec.id: dataclasses.replace(
            made.result(spec), provenance=history.finished(store, [spec.id])[spec.id].provenance
        )
    }


def test_a_run_that_was_killed_before_its_parameters_gets_them(store):
    plan = small()
    spec = plan.cells[0].trials[0]
    writer = Writer(store, plan)
    writer.trial_started(spec, 1)
    (run_id,) = runs(store, names.TRIAL)
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM params WHERE run_uuid = ?", (run_id,))
    Writer(store, plan).trial_started(spec, 1)
    assert runs(store, names.TRIAL)[run_id].data.params["prompt_length"] == "4"


def test_a_failed_trial_that_is_trained_again_keeps_its_run_and_loses_its_failure(store):
    plan = small()
    spec = plan.cells[0].trials[0]
    with Writer(store, plan) as writer:
        made.train(writer, spec, made.result(spec, TrialStatus.FAILED))
    assert history.finished(store, [spec.id])[spec.id].status is TrialStatus.FAILED
    (run,) = runs(store, names.TRIAL).values()
    assert run.info.status == "FAILED"
    writer = Writer(store, plan)
    writer.trial_started(spec, 1)
    assert history.recorded_trials(store)[spec.id].status is TrialStatus.RUNNING
    writer.trial_ended(spec, made.result(spec))
    (run,) = runs(store, names.TRIAL).values()
    assert run.info.status == "FINISHED"
    assert history.finished(store, [spec.id])[spec.id].status is TrialStatus.FINISHED


def test_a_later_plan_takes_over_the_cells_that_it_shares(store):
    plan, more = small(), small(seeds=(0, 1, 2, 3))
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            made.train(writer, spec)
    reused = [spec.id for spec in plan.trials()]
    with Writer(store, more, reused=reused) as later:
        made.train(later, more.cells[0].trials[3])
    cells = runs(store, names.CELL)
    assert len(cells) == 2
    assert {cell.data.tags[names.PARENT] for cell in cells.values()} == {later.run_id}
    by_cell = {cell.data.tags[names.CELL_ID]: cell for cell in cells.values()}
    assert by_cell[plan.cells[0].id].data.metrics["n_seeds"] == 4
    assert by_cell[plan.cells[1].id].info.status == "RUNNING"
    used = history.recorded_trials(store)[reused[0]]
    assert used.used_by == {plan.digest, more.digest}
    assert used.first_plan == plan.digest


def test_a_trial_of_another_sweep_is_found_and_counted_without_a_second_run(store):
    plan = small()
    other = plan.model_copy(update={"sweep": "other"})
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            made.train(writer, spec)
    done = history.finished(store, [spec.id for spec in other.trials()])
    assert len(done) == 6
    with Writer(store, other, reused=done):
        pass
    assert len(history.recorded_trials(store)) == 6
    cell = history.recorded_cells(store, "other")[plan.cells[0].id]
    assert cell.data.metrics["n_seeds"] == 3
    assert cell.info.status == "FINISHED"


def test_a_trial_that_a_search_draws_gets_a_cell_of_its_own(store):
    plan = Plan(sweep="small", profile="demo", seeds=(0,), cells=())
    spec = made.trial(0, prompt_length=5)
    with Writer(store, plan) as writer:
        made.train(writer, spec, made.result(spec, TrialStatus.STOPPED))
    (cell,) = runs(store, names.CELL).values()
    assert cell.data.params["prompt_length"] == "5"
    assert cell.data.tags[names.PARENT] == writer.run_id
    assert cell.info.status == "FINISHED"
    assert "test/acc_mean" not in cell.data.metrics


@pytest.mark.parametrize("status", [s for s in TrialStatus if s is not TrialStatus.RUNNING])
def test_every_way_to_end_comes_back_as_it_was(store, status):
    plan = small()
    spec = plan.cells[0].trials[0]
    ended = made.result(spec, status)
    with Writer(store, plan) as writer:
        made.train(writer, spec, ended)
    found = history.finished(store, [spec.id])[spec.id]
    assert found.provenance.items() >= ended.provenance.items()
    assert dataclasses.replace(found, provenance=ended.provenance) == ended


def test_a_reason_of_any_length_is_kept_at_both_ends(store):
    plan = small()
    spec = plan.cells[0].trials[0]
    reason = 'first "line"\n' + "é" * 20_000 + "last line"
    ended = dataclasses.replace(made.result(spec, TrialStatus.FAILED), reason=reason)
    with Writer(store, plan) as writer:
        made.train(writer, spec, ended)
    found = history.finished(store, [spec.id])[spec.id].reason
    assert found.startswith('first "line"')
    assert found.endswith("last line")


def test_a_store_that_fails_in_the_middle_is_an_error_at_once(store):
    plan = small()
    spec = plan.cells[0].trials[0]
    writer = Writer(store, plan)
    writer.trial_started(spec, 1)
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TABLE metrics")
    with pytest.raises(StoreError, match=f"recording epoch 1 of trial {spec.id} failed"):
        writer.epoch(spec, made.record(1))


def test_a_deleted_experiment_is_refused_with_the_remedy(store):
    with Writer(store, small()):
        pass
    store.client.delete_experiment(history.experiments(store)["small"])
    with pytest.raises(StoreError, match="mlflow experiments restore"):
        Writer(store, small())


def test_the_report_stays_with_its_launch(store, tmp_path):
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.md").write_text("# A report\n" + "x" * 20_000)
    with Writer(store, small()) as writer:
        writer.attach(folder)
    kept = store.client.list_artifacts(writer.run_id, names.REPORT_FOLDER)
    assert [item.path for item in kept] == ["report/report.md"]
    assert store.client.get_run(writer.run_id).data.tags[names.NOTE].startswith("# A report")


def test_the_source_of_a_users_method_is_kept_and_his_images_are_not(store, tmp_path):
    method, images = tmp_path / "mine.py", tmp_path / "images"
    method.write_text("# mine")
    images.mkdir()
    sources = {"mine@123": str(method), "d1": str(images)}
    with Writer(store, small().model_copy(update={"sources": sources})) as writer:
        kept = store.client.list_artifacts(writer.run_id, "sources")
        assert [item.path for item in kept] == ["sources/mine@123.py"]
        local = store.client.download_artifacts(writer.run_id, kept[0].path, str(tmp_path))
    assert Path(local).read_text() == "# mine"


def test_a_users_method_that_is_gone_is_named(store, tmp_path):
    sources = {"mine@123": str(tmp_path / "mine.py")}
    with pytest.raises(InputError, match=r"method file .*mine\.py: No such file"):
        Writer(store, small().model_copy(update={"sources": sources}))


def test_cells_are_named_by_what_tells_them_apart(store):
    plan = made.ablation()
    with Writer(store, plan):
        pass
    names_found = {run.info.run_name for run in history.recorded_cells(store, "ablation").values()}
    assert names_found == {
        "1, digits (prompt_length)",
        "4, digits (prompt_length)",
        "16, digits (prompt_length)",
        "base, digits",
        "IIP, digits (method)",
        "TP, digits (method)",
    }
    assert run_name(made.trial().flat(), None) == "pgn, digits"


def test_a_launch_that_adds_nothing_writes_no_metric_twice(store):
    plan = small()
    for _ in range(2):
        with Writer(store, plan, reused=[]) as writer:
            for spec in plan.trials():
                if spec.id not in history.finished(store, [spec.id]):
                    made.train(writer, spec)
    for run in history.recorded_cells(store, "small").values():
        assert [step for step, _ in points(store, run.info.run_id, "n_seeds")] == [1, 2, 3]
        assert run.info.status == "FINISHED"
