"""Which launcher a trial gets, and whether it fits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.errors import ClusterError, InputError
from sweeper.execution.placement import check_fit, hosts, lanes, launcher
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


SHARES = st.one_of(
    st.sampled_from([0.1, 0.16666667, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.6, 0.7, 1.0]),
    st.floats(0.05, 1).map(lambda share: round(share, 3)),
)


def by_hand(gpus: float, cpus: float, node: dict[str, float]) -> int:
    """Trials put one after the other on the first device with room, in ten-thousandths."""
    share, core = (Fraction(int(amount * 10_000)) for amount in (gpus, cpus))
    free = [Fraction(10_000)] * int(node["GPU"])
    cores, count = Fraction(int(node["CPU"] * 10_000)), 0
    while cores >= core and (room := [at for at, left in enumerate(free) if left >= share]):
        free[room[0]] -= share
        cores -= core
        count += 1
    return count


@given(
    gpus=SHARES,
    cpus=st.sampled_from([0.1, 0.3, 0.5, 1, 2]),
    nodes=st.lists(
        st.fixed_dictionaries(
            {"CPU": st.integers(0, 16).map(float), "GPU": st.integers(0, 8).map(float)}
        ),
        max_size=3,
    ),
)
def test_lanes_are_what_fits_device_by_device(
    gpus: float, cpus: float, nodes: list[dict[str, float]]
) -> None:
    expected = sum(by_hand(gpus, cpus, node) for node in nodes)
    assert lanes(Resources(gpus=gpus, cpus=cpus), nodes) == expected


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"gpus": 2}, "gpus: 2; expected 1 at most.*Write workers: 2, gpus: 1"),
        ({"gpus": 1.5, "workers": 2}, "Write workers: 4, gpus: 1"),
        ({"gpus": 0.5, "workers": 2}, "0.5 with 2 workers; expected a whole GPU"),
        ({"gpus": 0.00001}, "0, or 0.0001 at least"),
    ],
)
def test_gpus_that_would_be_wasted_or_not_be_had_are_refused_with_the_remedy(
    asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        launcher(Resources(**asked))


def test_contradictions_are_told_together() -> None:
    with pytest.raises(InputError) as caught:
        launcher(Resources(gpus=2, workers=2, launcher="inline"))
    assert [problem.where for problem in caught.value.problems] == [
        "resources.gpus",
        "resources.launcher",
    ]


def test_nodes_that_may_be_added_count_and_what_fits_none_is_told() -> None:
    check_fit(Resources(gpus=1), LAPTOP, GPU_NODES)
    with pytest.raises(ClusterError, match=r"1 node\(s\) \(1 x 4 CPU.*and 2 that may be added"):
        check_fit(Resources(gpus=1, cpus=9), LAPTOP, GPU_NODES)


def test_a_worker_fits_on_one_node_or_not_at_all() -> None:
    with pytest.raises(ClusterError, match="A worker has to fit on one node"):
        check_fit(Resources(cpus=9), GPU_NODES)
    check_fit(Resources(cpus=8, workers=2), GPU_NODES)


def test_trials_run_where_one_has_room_and_what_waits_for_workers_anywhere() -> None:
    nodes = [{"Resources": {"CPU": cpus}} for cpus in (0.0, 2.0, 4.0)]
    assert hosts(Resources(cpus=3), nodes) == nodes[2:]
    assert hosts(Resources(cpus=1, workers=2), nodes) == nodes
