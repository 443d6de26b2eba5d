import shutil
import sqlite3
import time
import uuid

import pytest

from sweeper.errors import StoreError
from sweeper.tracking import history, names
from sweeper.tracking.store import open_store
from sweeper.tracking.writer import Writer

from . import made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with one finished cell and one trial under way."""
    folder = tmp_path_factory.mktemp("recorded")
    plan = made.ablation()
    with Writer(made.blank_store(folder), plan) as writer:
        for spec in plan.cells[0].trials:
            made.train(writer, spec)
        writer.trial_started(plan.cells[1].trials[0], 1)
    return folder


@pytest.fixture
def store(folder):
    return open_store(f"sqlite:///{folder / 'mlflow.db'}")


def test_only_what_ended_is_finished(store):
    plan = made.ablation()
    found = history.finished(store, [spec.id for spec in plan.trials()])
    assert set(found) == {spec.id for spec in plan.cells[0].trials}
    assert history.finished(store, ["unheard-of"]) == {}


def test_a_recorded_trial_gives_its_spec_back_in_its_own_types(store):
    spec = made.ablation().cells[0].trials[0]
    assert history.recorded_trials(store)[spec.id].spec == spec


def test_the_newest_launch_comes_first_and_holds_its_plan(store):
    (launch,) = history.launches(store, "ablation")
    plan = made.ablation()
    assert (launch.profile, launch.digest) == ("demo", plan.digest)
    assert history.read_plan(store, launch) == plan
    assert launch.provenance["version.mlflow"]


def test_an_unknown_sweep_is_named_with_the_nearest_one(store):
    with pytest.raises(StoreError, match=r"holds no sweep 'ablatoin'. Did you mean 'ablation'"):
        history.launches(store, "ablatoin")


def test_a_store_that_was_moved_is_read_where_it_stands(folder, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    store = open_store(f"sqlite:///{moved / 'mlflow.db'}")
    (launch,) = history.launches(store, "ablation")
    plan_file = next(moved.rglob(names.PLAN_FILE))
    plan_file.write_text(plan_file.read_text().replace('"note": ""', '"note": "moved"'))
    assert history.read_plan(store, launch).note == "moved"
    plan_file.unlink()
    shutil.rmtree(moved / "mlartifacts")
    assert history.read_plan(store, launch).note == ""  # falls back on the recorded place


def test_thousands_of_runs_are_read_in_seconds(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    _multiply(copy / "mlflow.db", 2000)
    store = open_store(f"sqlite:///{copy / 'mlflow.db'}")
    started = time.process_time()
    found = history.recorded_trials(store)
    seconds = time.process_time() - started
    assert len(found) == 2004
    assert seconds < 20, f"{seconds:.1f} s of processor for 2000 runs"


def _multiply(path, copies):
    """Copies one finished trial's rows under new run and trial ids."""
    with sqlite3.connect(path) as connection:
        (source,) = connection.execute(
            "SELECT run_uuid FROM tags WHERE key = ?", (names.RESULT,)
        ).fetchone()
        for table in ("runs", "tags", "params", "latest_metrics"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            rows = connection.execute(
                f"SELECT * FROM {table} WHERE run_uuid = ?", (source,)
            ).fetchall()
            new = []
            for copy in range(copies):
                run_id = uuid.UUID(int=copy + 1).hex
                for row in rows:
                    values = dict(zip(columns, row, strict=True)) | {"run_uuid": run_id}
                    if values.get("key") == names.TRIAL_ID:
                        values["value"] = f"{copy:016x}"
                    new.append(tuple(values.values()))
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", new)
