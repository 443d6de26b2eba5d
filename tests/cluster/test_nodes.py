"""Nodes come and go in the middle of a sweep: the same table, and nothing trained twice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from ray.cluster_utils import Cluster

from tests.chaos.world import begins, run, same, slow
from tests.cluster.several import cluster, raylet

pytestmark = slow
EPOCHS = 30  # seconds a trial, so that what happens to a node meets trials under way


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("orders")) as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    nodes.add_node(num_cpus=2)
    return run(tmp_path_factory.mktemp("undisturbed"), epochs=EPOCHS)


def wait_until(reached: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not reached in {seconds} s"
        time.sleep(0.05)


def run_while(
    folder: Path, happens: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> tuple[pd.DataFrame, list[str]]:
    """The table of a sweep to whose nodes something happens meanwhile, and what was printed."""
    capfd.readouterr()
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(happens)
        table = run(folder, epochs=EPOCHS)
        doing.result(timeout=120)
    return table, capfd.readouterr().err.splitlines()


def never_again(printed: list[str]) -> None:
    """No trial that had finished began once more; every one finished once."""
    said = [re.match(r"(start|finished) +(place = \w+ seed \d+|\w+ seed \d+)", each) for each in printed]
    events = [(found[1], found[2]) for found in said if found]
    finished = [name for what, name in events if what == "finished"]
    assert len(finished) == len(set(finished)) == 6, printed
    for name in finished:
        assert ("start", name) not in events[events.index(("finished", name)) :], printed


def test_a_node_is_lost_there_is_none_for_a_while_and_one_is_added(
    nodes: Cluster, undisturbed: pd.DataFrame, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (old,) = nodes.worker_nodes
    before = len(begins())
    seen: dict[str, int] = {}

    def happens() -> None:
        wait_until(lambda: len(begins()) >= before + 3)
        nodes.remove_node(old, allow_graceful=False)
        seen["lost"] = len(begins())
        time.sleep(8)
        seen["none"] = len(begins())
        seen["new"] = raylet(nodes.add_node(num_cpus=2))

    table, printed = run_while(tmp_path, happens, capfd)
    same(table, undisturbed)
    never_again(printed)
    after = begins()[seen["lost"] :]
    assert seen["none"] == seen["lost"]
    assert {each.raylet for each in after} == {seen["new"]}
    again = [each for each in after if each.trial in {b.trial for b in begins()[before : seen["lost"]]}]
    assert 1 <= len(again) <= 2, "those under way when the node was lost, and no other"
