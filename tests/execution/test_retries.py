"""How often a trial is tried again: what counts, and what makes up for it."""

from __future__ import annotations

from types import SimpleNamespace

from sweeper.execution.retries import Retries
from sweeper.faults import RULES, Fault


def tune(failures: int) -> SimpleNamespace:
    """A trial of Tune's, which failed so often."""
    return SimpleNamespace(run_metadata=SimpleNamespace(num_failures=failures), max_failures=-9)


def test_a_trial_may_fail_so_often_and_no_more() -> None:
    retries = Retries(3)
    for _ in range(3):
        retries.failed("a", Fault.RAISED)
        assert not retries.over("a")
    retries.failed("a", Fault.WORKER_DIED)
    assert retries.over("a")
    assert not retries.over("b")


def test_a_new_epoch_makes_up_for_failures_and_one_trained_again_does_not() -> None:
    retries = Retries(2)
    retries.reached("a", 4)
    for epoch in (5, 6, 7):
        retries.failed("a", Fault.HUNG)
        retries.failed("a", Fault.HUNG)
        assert not retries.over("a")
        retries.reached("a", epoch)
    for epoch in (5, 6, 7):
        retries.failed("a", Fault.OUT_OF_MEMORY)
        retries.reached("a", epoch)
    assert retries.over("a")


def test_what_happens_to_nodes_is_never_counted() -> None:
    retries = Retries(0)
    for _ in range(50):
        retries.failed("a", Fault.NODE_LOST)
        retries.failed("a", Fault.PREEMPTED)
    assert not retries.over("a")
    assert [fault for fault in Fault if RULES[fault].counts] == [
        Fault.WORKER_DIED,
        Fault.OUT_OF_MEMORY,
        Fault.RAISED,
        Fault.HUNG,
    ]


def test_tune_which_counts_everything_is_told_how_many_more_there_may_be() -> None:
    retries = Retries(3)
    trial = tune(failures=0)
    retries.allow(trial, "a")
    assert trial.max_failures == 3
    retries.failed("a", Fault.RAISED)
    for failures in (5, 6):  # of which all but one were a node's
        trial = tune(failures)
        retries.allow(trial, "a")
        assert trial.max_failures == failures + 2
    for _ in range(3):
        retries.failed("a", Fault.RAISED)
    retries.allow(trial, "a")
    assert trial.max_failures == 6, "Tune must not try it again"
