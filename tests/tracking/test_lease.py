"""One driver at a plan in a store, though two drivers may share nothing else."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sweeper.errors import InputError, StoreError
from sweeper.holder import Holder
from sweeper.tracking import lease as leasing
from sweeper.tracking.launch import open_experiment
from sweeper.tracking.lease import Lease, held, leases
from sweeper.tracking.store import Store
from tests.tracking import made

HOLD = """
import sys
from sweeper.tracking.lease import held
from sweeper.tracking.store import open_store
from tests.tracking import made

with held(open_store(sys.argv[1]), made.ablation()):
    print("held", flush=True)
    input()
"""
PLAN = made.ablation()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, seconds in (("BEAT", 0.2), ("WATCH", 1.5), ("LOOK", 0.05)):
        monkeypatch.setattr(leasing, name, seconds)
    return made.blank_store(tmp_path)


def there(store: Store) -> list[Lease]:
    return leases(store, open_experiment(store, PLAN.sweep))


def elsewhere(store: Store) -> Lease:
    """The lease of a driver on another machine, as it would write it."""
    experiment = open_experiment(store, PLAN.sweep)
    holder = dataclasses.replace(Holder.here(), host="elsewhere", machine="another")
    found = Lease(store, experiment, f"sweeper.lease.{PLAN.digest}.0123", holder)
    found.write(0)
    return found


def test_a_lease_beats_and_is_gone_at_the_end_also_after_an_error(store: Store) -> None:
    with held(store, PLAN):
        (first,) = there(store)
        assert first.holder.is_here()
        end = time.monotonic() + 60
        while there(store)[0].beat < first.beat + 2:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert not there(store)
    with pytest.raises(ZeroDivisionError), held(store, PLAN):
        raise ZeroDivisionError
    assert not there(store)


def test_a_process_of_this_machine_is_refused_while_it_lives_and_gone_when_killed(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, store.uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError) as refused, held(store, PLAN):
            pass
        assert f"ablation, profile demo: is being run by process {other.pid}" in str(refused.value)
        with held(store, made.ablation(seeds=(0,))):
            pass  # another plan of the sweep
        (kept,) = there(store)
        assert kept.holder.pid == other.pid
        other.kill()
        other.wait()
    with held(store, PLAN):
        (own,) = there(store)
        assert own.holder.is_here()
    assert not capsys.readouterr().err  # nobody had to be watched


def test_a_driver_elsewhere_that_beats_is_refused_whatever_its_clock_says(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    other, over = elsewhere(store), threading.Event()
    beating = threading.Thread(target=leasing._beat, args=(other, over))
    beating.start()
    try:
        with pytest.raises(InputError, match=r"is being run by process .* on elsewhere since"):
            held(store, PLAN).__enter__()
    finally:
        over.set()
        beating.join()
    assert "watching for up to 2 s" in capsys.readouterr().err
    assert [each.key for each in there(store)] == [other.key]


def test_a_driver_elsewhere_without_beats_is_taken_over_from(store: Store) -> None:
    elsewhere(store)
    began = time.monotonic()
    with held(store, PLAN):
        assert time.monotonic() - began >= leasing.WATCH
        (own,) = there(store)
        assert own.holder.is_here()


def test_a_driver_elsewhere_that_ends_while_it_is_watched_is_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "WATCH", 60.0)
    other = elsewhere(store)
    timer = threading.Timer(0.5, other.remove)
    timer.start()
    with held(store, PLAN):
        assert len(there(store)) == 1
    timer.join()


def test_of_two_that_begin_at_the_same_moment_one_gives_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes its tag after this one has looked, and before it writes its own."""
    seen: list[str] = []
    write = Lease.write

    def late(lease: Lease, beat: int) -> None:
        if not seen:
            seen.append(elsewhere_now.key)
            write(elsewhere_now, 0)
        write(lease, beat)

    elsewhere_now = elsewhere(store)
    elsewhere_now.remove()
    monkeypatch.setattr(Lease, "write", late)
    monkeypatch.setattr(leasing.random, "uniform", lambda *_: elsewhere_now.remove() or 0.0)
    with held(store, PLAN):
        assert seen
        (own,) = there(store)
        assert own.holder.is_here()


def test_beats_that_the_store_does_not_take_are_missed_and_the_end_is_quiet(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def away(*_: object) -> None:
        tried.set()
        raise StoreError("away")

    with held(store, PLAN):
        monkeypatch.setattr(Lease, "write", away)
        monkeypatch.setattr(Lease, "remove", away)
        assert tried.wait(60)
    assert len(there(store)) == 1  # of a process that is gone, to whoever comes later


def test_what_a_lease_says_is_small_and_has_no_address(store: Store) -> None:
    with held(store, PLAN):
        experiment = store.client.get_experiment(open_experiment(store, PLAN.sweep))
        (said,) = (v for k, v in experiment.tags.items() if k.startswith("sweeper.lease."))
    holder = json.loads(json.loads(said)["holder"])
    assert set(holder) == {"host", "machine", "pid", "started", "since"}
    assert len(said) < 500
