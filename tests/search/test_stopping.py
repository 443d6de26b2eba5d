"""Early stopping reads validation only, and never cuts off the test."""

from __future__ import annotations

from typing import Any

import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler

from sweeper.errors import InputError
from sweeper.search.stopping import check_metric, longest_epochs, scheduler
from sweeper.spec.plan import EarlyTerminate, Metric, Search


def search(**settings: Any) -> Search:
    return Search(**({"base": {"epochs": 9}, "space": {}} | settings))


@pytest.mark.parametrize("name", ["test/acc", "test/loss", "train/acc"])
def test_a_metric_that_is_not_of_validation_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="val/acc or val/loss"):
        scheduler(search(metric=Metric(name=name)), "epoch")
    check_metric(Metric(name="val/loss", goal="minimize"))


def test_without_early_stopping_every_trial_runs_to_its_end() -> None:
    assert type(scheduler(search(), "epoch")) is FIFOScheduler


def test_a_short_sweep_keeps_its_grace_period_within_its_epochs() -> None:
    found = scheduler(search(early_terminate=EarlyTerminate(min_iter=50)), "epoch")
    assert type(found) is AsyncHyperBandScheduler


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ({}, 9),
        ({"epochs": {"kind": "choice", "values": [5, 20]}}, 20),
        ({"epochs": {"kind": "integers", "low": 5, "high": 30, "log": False}}, 30),
    ],
)
def test_the_longest_trial_sets_the_rungs(space: dict[str, Any], expected: int) -> None:
    assert longest_epochs(search(space=space)) == expected
