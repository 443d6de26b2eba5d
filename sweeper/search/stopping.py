"""Early stopping: which trials of a search go on, decided by Ray Tune's ASHA."""

from __future__ import annotations

from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from sweeper.errors import InputError, Problem
from sweeper.spec.plan import Metric, Search
from sweeper.spec.trial import Recipe

READABLE = ("val/acc", "val/loss")


def scheduler(search: Search, time_attr: str) -> TrialScheduler:
    """ASHA over `time_attr` (epochs) where the search asks for it, else first come first served.

    Raises InputError where the metric is not one of validation.
    """
    check_metric(search.metric)
    if search.early_terminate is None:
        return FIFOScheduler()  # type: ignore[no-untyped-call]
    longest = longest_epochs(search)
    return AsyncHyperBandScheduler(
        time_attr=time_attr,
        metric=search.metric.name,
        mode={"maximize": "max", "minimize": "min"}[search.metric.goal],
        max_t=longest,
        grace_period=min(search.early_terminate.min_iter, longest),
        reduction_factor=search.early_terminate.eta,
    )


def check_metric(metric: Metric) -> None:
    """Selection reads validation only. Raises InputError for any other metric."""
    if metric.name not in READABLE:
        raise InputError(
            Problem(
                "search.metric",
                f"'{metric.name}'",
                " or ".join(READABLE),
                "A test score is read once, at the end, and chooses nothing.",
            )
        )


def longest_epochs(search: Search) -> int:
    """The most epochs that any draw trains."""
    space = search.space.get("epochs")
    if space is not None:
        return int(max(space["values"] if space["kind"] == "choice" else [space["high"]]))
    return int(search.base.get("epochs", Recipe().epochs)) or 1
