"""Launches stand in the order in which they began, whatever the clock said."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from sweeper.errors import StoreError
from sweeper.spec.plan import Plan
from sweeper.tracking import history
from sweeper.tracking.launch import open_experiment
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.tracking import made

DAY = 24 * 3600 * 10**9


def plan(note: str) -> Plan:
    return Plan(sweep="small", profile="demo", seeds=(0,), cells=(), note=note)


def test_with_the_clock_set_back_the_newest_launch_is_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, now = made.blank_store(tmp_path), time.time_ns()
    order = []
    for at in (now, now - DAY, now - 2 * DAY, now - 2 * DAY, now + 1):
        each = plan(f"{len(order)}")
        order.append(each.digest)
        monkeypatch.setattr(time, "time_ns", lambda at=at: at)
        with Writer(store, each):
            pass
    found = history.launches(store, "small")
    assert [launch.digest for launch in found] == order[::-1]
    times = [launch.launched for launch in found[::-1]]
    assert times[0] == now // 10**6  # where the clock is right, it is the time
    assert all(one < two for one, two in itertools.pairwise(times))
    with Writer(store, plan("0")):  # the same plan again, in its own run
        pass
    assert history.launches(store, "small")[0].digest == order[0]


def test_a_launch_runs_until_it_says_its_end(tmp_path: Path) -> None:
    store = made.blank_store(tmp_path)
    with Writer(store, plan("")):
        assert history.launches(store, "small")[0].running
    assert not history.launches(store, "small")[0].running


def test_an_experiment_that_another_launch_made_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = made.blank_store(tmp_path)
    first = open_experiment(store, "small")
    find, seen = store.client.get_experiment_by_name, []

    def not_yet(name: str) -> object:
        seen.append(name)
        return None if len(seen) == 1 else find(name)

    monkeypatch.setattr(store.client, "get_experiment_by_name", not_yet)
    assert open_experiment(store, "small") == first
    assert len(seen) == 2


def test_where_no_experiment_can_be_made_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made.blank_store(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise MlflowException("no room")

    monkeypatch.setattr(store.client, "create_experiment", refuse)
    with pytest.raises(StoreError, match="opening experiment 'small' failed: no room"):
        open_experiment(store, "small")
