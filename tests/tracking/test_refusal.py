"""A store that refuses in the middle of a launch: deleted runs, lost answers, locks, disks."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import StoreError
from sweeper.faults import Fault, Incident
from sweeper.tracking import delivery, history, names, spool
from sweeper.tracking.store import Store
from tests.mounted import mount, small_disk
from tests.tracking.launched import begin, incidents, plan, wait_for
from tests.tracking.test_writer import points

from . import made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made.blank_store(tmp_path / "store")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SOONEST", 0.05)
    monkeypatch.setattr(spool, "LATEST", 0.2)


def test_what_the_store_refuses_twice_is_no_outage(store: Store, tmp_path: Path) -> None:
    one, two, _, _ = plan().trials()
    ended = made.result(one)
    ended.measured["test/acc/no (such) name?"] = 0.5

    def launch() -> None:
        with begin(store, tmp_path) as told:
            told.trial_started(one, 1)
            told.trial_ended(one, ended)
            made.train(told, two)
            told.flush()

    with pytest.raises(StoreError, match=r"no \(such\) name"):
        launch()
    with pytest.raises(StoreError, match=r"records of small.* wait in .*take their lines out"):
        list(delivery.deliver(tmp_path, lambda _: store.uri))


def test_a_trial_whose_run_was_deleted_meanwhile_gets_a_new_one(
    store: Store, tmp_path: Path
) -> None:
    one = plan().trials()[0]
    with begin(store, tmp_path) as told:
        told.trial_started(one, 1)
        told.flush()
        deleted = history.recorded_trials(store)[one.id].run_id
        store.client.delete_run(deleted)
        made.train(told, one)
    recorded = history.recorded_trials(store)[one.id]
    assert recorded.run_id != deleted
    assert recorded.result is not None
    assert "active" in incidents(store)[0].note


def test_a_launch_that_was_deleted_meanwhile_is_written_again(store: Store, tmp_path: Path) -> None:
    one = plan().trials()[0]
    with begin(store, tmp_path) as told:
        told.flush()
        before = history.launches(store, "small")[0]
        store.client.delete_run(before.run_id)
        told.incident(Incident(Fault.NODE_LOST, 7))
        made.train(told, one)
    (launch,) = history.launches(store, "small")
    assert launch.run_id != before.run_id
    assert abs(launch.launched - before.launched) < 5_000
    assert history.read_plan(store, launch) == plan()


def test_what_was_written_before_the_answer_was_lost_is_not_written_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = plan().trials()[0]
    log, create, seen = Store.log, Store.create_run, set()

    def once(call: Callable[..., Any], self: Store, *args: Any, **named: Any) -> Any:
        """Does what was asked, and says so only when it is asked for the same again."""
        done = call(self, *args, **named)
        asked = str((call, [sorted(named.get(key) or ()) for key in ("metrics", "params", "tags")]))
        asked += str(named.get("step"))
        if asked not in seen:
            seen.add(asked)
            raise StoreError("the answer was lost")
        return done

    with begin(store, tmp_path) as told:
        told.flush()
        monkeypatch.setattr(Store, "log", lambda *args, **named: once(log, *args, **named))
        monkeypatch.setattr(
            Store, "create_run", lambda *args, **named: once(create, *args, **named)
        )
        made.train(told, one)
        wait_for(lambda: not told._waiting)
        monkeypatch.setattr(Store, "log", log)
        monkeypatch.setattr(Store, "create_run", create)
    recorded = history.recorded_trials(store)[one.id]
    for metric in ("val/acc", "test/acc", "train/loss"):
        found = points(store, recorded.run_id, metric)
        assert len(found) == len(set(found)), metric
    experiment = history.experiments(store)["small"]
    runs = store.client.search_runs([experiment], f"tags.`{names.TRIAL_ID}` = '{one.id}'")
    assert len(runs) == 1


@pytest.fixture
def _own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow opens the database anew for every request; an open file holds the disk writable."""
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")


@pytest.mark.slow
def test_a_locked_store_holds_nothing_up(store: Store, tmp_path: Path) -> None:
    shown: list[Incident] = []
    with begin(store, tmp_path, shown) as told:
        told.flush()
        database = store.uri.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            made.train(told, plan().trials()[0])
            assert time.monotonic() - began < 2
            wait_for(lambda: bool(shown))  # MLflow itself waits for 20 s
            holder.execute("ROLLBACK")
        wait_for(lambda: not told._waiting)
    assert "locked" in incidents(store)[0].note
    assert len(history.finished(store, [plan().trials()[0].id])) == 1


@pytest.mark.usefixtures("_own_connections")
def test_a_store_whose_disk_is_read_only_for_a_while_holds_nothing_up(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "20m") as disk:
        store = made.blank_store(disk)
        shown: list[Incident] = []
        with begin(store, tmp_path, shown) as told:
            told.flush()
            done = mount("-o", "remount,ro", str(disk))
            assert done.returncode == 0, done.stderr
            made.train(told, plan().trials()[0])
            wait_for(lambda: bool(shown))
            mount("-o", "remount,rw", str(disk))
            wait_for(lambda: not told._waiting)
        assert "readonly database" in incidents(store)[0].note
        assert len(history.finished(store, [plan().trials()[0].id])) == 1
