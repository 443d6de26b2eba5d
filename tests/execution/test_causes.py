"""A disk that refuses is found behind whatever other libraries made of it."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from ray.exceptions import RayTaskError

from sweeper.errors import StoreError
from sweeper.execution.causes import causes, refusal


def from_a_worker(cause: Exception) -> Exception:
    return RayTaskError("train", "Traceback ...", cause)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_full_over_quota_and_read_only_are_one(number: int) -> None:
    full = OSError(number, "no room", "/results/checkpoints/a")
    assert refusal(from_a_worker(full)) == "no room: /results/checkpoints/a"
    assert refusal(from_a_worker(OSError(number, "no room"))) == "no room"


def test_an_error_of_the_trial_is_no_refusal() -> None:
    assert not refusal(from_a_worker(ValueError("no patience")))
    assert not refusal(from_a_worker(FileNotFoundError(errno.ENOENT, "no such file", "x")))


def record_too_much() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("create table t (x)")
    database.execute("pragma max_page_count = 3")
    try:
        for _ in range(9):
            database.execute("insert into t values (?)", ["x" * 3000])
    except sqlite3.OperationalError as full:
        raise StoreError("recording failed") from full


def test_a_full_database_is_found_behind_an_error_of_the_store() -> None:
    with pytest.raises(StoreError) as refused:
        record_too_much()
    assert refusal(refused.value) == "database or disk is full"


def test_each_cause_comes_once_even_in_a_circle() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first
    assert list(causes(first)) == [first, second]


def test_the_workers_of_ray_train_are_asked_too() -> None:
    group = ValueError("a group failed")
    group.worker_failures = {0: RuntimeError("reset"), 1: OSError(errno.ENOSPC, "no room")}
    assert refusal(from_a_worker(group)) == "no room"
