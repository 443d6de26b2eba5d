"""A store that is away holds nothing up and loses nothing."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import FaultError, StoreError
from sweeper.faults import Fault, Incident
from sweeper.records import TrialResult
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import delivery, history, names, spool
from sweeper.tracking.spool import Spool
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.mounted import mount, small_disk
from tests.tracking.test_writer import points

from . import made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made.blank_store(tmp_path / "store")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SOONEST", 0.05)
    monkeypatch.setattr(spool, "LATEST", 0.2)


@pytest.fixture
def _no_last_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LAST_WAIT", 0.3)


def plan() -> Plan:
    cells = tuple(made.cell(prompt_length=n, seeds=(0, 1)) for n in (4, 8))
    return Plan(sweep="small", profile="demo", seeds=(0, 1), cells=cells)


def learned(folder: Path, trial_id: str) -> Path:
    return folder / "checkpoints" / trial_id / "state.safetensors"


def begin(store: Store, folder: Path, shown: list[Incident] | None = None) -> Spool:
    trained, show = partial(learned, folder), ([] if shown is None else shown).append
    return Spool.begin(store, plan(), folder, reused=[], trained=trained, show=show)


def wait_for(reached: Callable[[], bool], seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def finished(spec: TrialSpec, folder: Path | None = None) -> TrialResult:
    """A result of `spec`, which has learned something where there is a `folder` for it."""
    result = made.result(spec)
    if folder is not None:
        result.provenance[names.TRAINED] = "d"
        path = learned(folder, spec.id)
        path.parent.mkdir(parents=True)
        path.write_text(f"what {spec.id} learned")
    return result


class Away:
    """While entered, every call of the writers' is refused; counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        self.calls, self._error, self._patch = 0, error, monkeypatch

    def __enter__(self) -> Away:
        self._context = self._patch.context()
        patch = self._context.__enter__()
        patch.setattr(Store, "log", self._refuse)
        patch.setattr(history, "recorded_trials", self._refuse)
        return self

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(None, None, None)

    def _refuse(self, *_args: Any, **_named: Any) -> None:
        self.calls += 1
        raise self._error


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch, StoreError("http://away: it does not answer"))


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("undelivered")]


def incidents(store: Store) -> list[Incident]:
    (launch,) = history.launches(store, "small")
    return list(launch.incidents)


def test_what_is_told_is_recorded_as_a_writer_records_it_and_nothing_is_left(
    store: Store, tmp_path: Path
) -> None:
    direct = made.blank_store(tmp_path / "direct")
    lost = Incident(Fault.NODE_LOST, 7, note="node two")
    with begin(store, tmp_path) as told, Writer(direct, plan()) as writer:
        for listener in (told, writer):
            for spec in plan().trials()[:3]:
                made.train(listener, spec)
            listener.incident(lost)
    found, expected = history.recorded_trials(store), history.recorded_trials(direct)
    assert found.keys() == expected.keys()
    for key, one in found.items():
        other = expected[key]
        assert (one.result, one.metrics, one.params) == (other.result, other.metrics, other.params)
    cells = [history.recorded_cells(each, "small") for each in (store, direct)]
    assert {k: c.data.metrics for k, c in cells[0].items()} == {
        k: c.data.metrics for k, c in cells[1].items()
    }
    assert incidents(store) == [lost]
    assert left(tmp_path) == []


def test_training_goes_on_while_the_store_is_away_and_all_is_recorded_in_its_order(
    store: Store, tmp_path: Path, away: Away
) -> None:
    shown: list[Incident] = []
    one, two, _, _ = plan().trials()
    with begin(store, tmp_path, shown) as told:
        told.trial_started(one, 1)
        told.flush()
        with away:
            began = time.monotonic()
            made.train(told, one)
            ended = finished(two, tmp_path)
            told.trial_started(two, 1)
            told.trial_ended(two, ended)
            assert time.monotonic() - began < 2
            learned(tmp_path, two.id).unlink()  # as the relay does when all listeners know
            wait_for(lambda: away.calls >= 3)
            (journal,) = tmp_path.glob("undelivered-*.jsonl")
            assert len(journal.read_text().splitlines()) >= 8  # the head, and what was told
        told.flush()
        assert history.recorded_trials(store).keys() == {one.id, two.id}
    recorded = history.recorded_trials(store)
    assert points(store, recorded[one.id].run_id, "val/acc") == [(1, 0.5), (2, 0.5), (3, 0.5)]
    kept = Path(recorded[two.id].artifact_uri.removeprefix("file://"), "trained")
    assert (kept / "state.safetensors").read_text() == f"what {two.id} learned"
    assert left(tmp_path) == []
    first, last = shown
    (known,) = incidents(store)
    assert (first.fault, first.when, known) == (Fault.STORE_AWAY, last.when, last)
    assert "http://away: it does not answer; training went on" in known.note
    assert "back after" in known.note
    assert "7 records are delivered" in known.note


def test_an_outage_is_told_once_however_often_it_is_tried(
    store: Store, tmp_path: Path, away: Away
) -> None:
    shown: list[Incident] = []
    with begin(store, tmp_path, shown) as told:
        for spec in plan().trials()[:2]:
            with away:
                made.train(told, spec)
                wait_for(lambda: away.calls >= 4)
            told.flush()
            away.calls = 0
    assert len(shown) == 4
    assert len(incidents(store)) == 2


@pytest.mark.usefixtures("_no_last_wait")
def test_a_store_that_stays_away_ends_the_launch_with_what_waits_and_where(
    store: Store, tmp_path: Path, away: Away
) -> None:
    one, two, _, _ = plan().trials()

    def launch() -> None:
        with begin(store, tmp_path) as told, away:
            made.train(told, one)
            told.trial_ended(two, finished(two, tmp_path))
            told.flush()

    with pytest.raises(FaultError) as caught:
        launch()
    assert caught.value.exit_code == 6
    (journal,) = tmp_path.glob("undelivered-*.jsonl")
    for part in ("http://away", "7 records wait", str(journal), "`sweeper deliver`"):
        assert part in str(caught.value)
    assert history.finished(store, [one.id, two.id]) == {}
    learned(tmp_path, two.id).unlink()

    (batch,) = delivery.deliver(tmp_path, lambda _: store.uri)
    assert (batch.sweep, batch.records, batch.ended) == ("small", 7, 2)
    assert history.finished(store, [one.id, two.id]).keys() == {one.id, two.id}
    assert left(tmp_path) == []
    (known,) = incidents(store)
    assert "6 records are delivered" in known.note


@pytest.mark.usefixtures("_no_last_wait")
def test_ctrl_c_with_the_store_away_stays_ctrl_c_and_says_what_waits(
    store: Store, tmp_path: Path, away: Away
) -> None:
    shown: list[Incident] = []

    def launch() -> None:
        told = begin(store, tmp_path, shown)
        with away, told:
            made.train(told, plan().trials()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch()
    assert "records wait in" in shown[-1].note
    assert len(left(tmp_path)) == 1


def test_an_error_that_is_no_outage_comes_out_in_the_driver(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Writer, "epoch", broken)

    def launch() -> None:
        with begin(store, tmp_path) as told:
            for _ in range(1000):
                made.train(told, plan().trials()[0])
                time.sleep(0.1)

    with pytest.raises(ZeroDivisionError):
        launch()
    assert len(left(tmp_path)) == 1


def test_an_error_in_the_last_event_comes_out_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Writer, "trial_ended", broken)
    with pytest.raises(ZeroDivisionError), begin(store, tmp_path) as told:
        made.train(told, plan().trials()[0])


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


def test_what_a_trial_should_have_left_and_has_not_ends_the_launch(
    store: Store, tmp_path: Path
) -> None:
    one = plan().trials()[0]
    ended = finished(one, tmp_path)
    learned(tmp_path, one.id).unlink()
    with (
        pytest.raises(StoreError, match="what it has learned is not at"),
        begin(store, tmp_path) as told,
    ):
        told.trial_ended(one, ended)
    assert left(tmp_path) == []


def test_a_store_that_is_away_at_the_start_is_one_error_and_leaves_nothing(
    store: Store, tmp_path: Path, away: Away
) -> None:
    with away, pytest.raises(StoreError, match="http://away"):
        begin(store, tmp_path)
    assert left(tmp_path) == []


def test_the_times_on_record_are_those_of_training(
    store: Store, tmp_path: Path, away: Away
) -> None:
    one = plan().trials()[0]
    with begin(store, tmp_path) as told:
        with away:
            made.train(told, one)
            trained = time.time() * 1000
            time.sleep(1)
        told.flush()
    run_id = history.recorded_trials(store)[one.id].run_id
    run = store.client.get_run(run_id)
    times = [point.timestamp for point in store.client.get_metric_history(run_id, "val/acc")]
    assert max(*times, run.info.start_time, run.info.end_time) <= trained


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
