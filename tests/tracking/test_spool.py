"""A store that is away holds nothing up and loses nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sweeper.errors import FaultError, StoreError
from sweeper.faults import Fault, Incident
from sweeper.tracking import delivery, history, spool
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.tracking.launched import Away, begin, finished, incidents, learned, left, plan, wait_for
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


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch, StoreError("http://away: it does not answer"))


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
    (launch_run,) = history.launches(store, "small")
    assert not launch_run.running, "the next launch would say that this one's driver died"


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
