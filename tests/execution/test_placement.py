"""Which launcher a trial gets, and whether it fits."""

from __future__ import annotations

from typing import Any

import pytest

from sweeper.errors import ClusterError, InputError
from sweeper.execution.placement import check_fit, lanes, launcher
from sweeper.spec.plan import Resources

LAPTOP = [{"CPU": 4.0}]
GPU_NODES = [{"CPU": 8.0, "GPU": 4.0}, {"CPU": 8.0, "GPU": 4.0}]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "inline"),
        ({"cpus": 2}, "inline"),
        ({"gpus": 0.25}, "inline"),
        ({"gpus": 1}, "train"),
        ({"workers": 2}, "train"),
        ({"gpus": 1, "launcher": "inline"}, "inline"),
        ({"launcher": "train"}, "train"),
    ],
)
def test_ray_train_is_for_whole_gpus_and_several_workers(
    asked: dict[str, Any], expected: str
) -> None:
    assert launcher(Resources(**asked)) == expected


def test_several_workers_cannot_be_inline() -> None:
    with pytest.raises(InputError, match="'inline' with 2 workers"):
        launcher(Resources(workers=2, launcher="inline"))


@pytest.mark.parametrize(
    ("asked", "nodes", "expected"),
    [
        ({}, LAPTOP, 4),
        ({"cpus": 3}, LAPTOP, 1),
        ({"gpus": 0.25, "cpus": 0.5}, GPU_NODES, 32),
        ({"gpus": 1, "workers": 3}, GPU_NODES, 2),
        ({"cpus": 5}, GPU_NODES, 2),
        ({"gpus": 1}, LAPTOP, 0),
    ],
)
def test_lanes_count_what_runs_at_a_time(
    asked: dict[str, Any], nodes: list[dict[str, float]], expected: int
) -> None:
    assert lanes(Resources(**asked), nodes) == expected


def test_a_gpu_that_is_not_there_is_told_before_launch() -> None:
    with pytest.raises(
        ClusterError, match=r"1 GPU\(s\) each; the cluster has 4 CPU\(s\) and 0 GPU"
    ):
        check_fit(Resources(gpus=1), LAPTOP)
    check_fit(Resources(gpus=1), GPU_NODES)
