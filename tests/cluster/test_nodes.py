"""Nodes come and go in the middle of a sweep: the same table, and nothing trained twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import torch
from ray.cluster_utils import Cluster

from reports.build import build
from sweeper.catalog import Installed
from sweeper.execution.job import Job
from sweeper.execution.message import read
from sweeper.execution.worker import messages
from sweeper.faults import Fault
from sweeper.records import TrialResult
from sweeper.spec.load import load
from sweeper.tracking.history import launches
from sweeper.tracking.store import open_store
from sweeper.tracking.writer import Writer
from tests.chaos.world import ORDERS, begins, cells, same, slow, sweep_file
from tests.cluster.metadata import metadata
from tests.cluster.several import cluster, node_without, raylet
from tests.cluster.test_spot_notice import PROGRAM
from tests.end_to_end.command import Running

pytestmark = slow
EPOCHS = 60  # several seconds a trial, so that what happens to a node meets trials under way


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("orders")) as found:
        yield found


@contextmanager
def sweep(nodes: Cluster, folder: Path) -> Iterator[Running]:
    """`sweeper run` on the cluster, as a process of its own; killed where the test fails."""
    running = Running("run", sweep_file(folder, EPOCHS), "--address", nodes.address, folder=folder)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The table of the same trials, trained in this process, one after the other, without Ray."""
    folder = tmp_path_factory.mktemp("undisturbed")
    plan = load(sweep_file(folder, EPOCHS), Installed())
    job = Job.of(plan, folder)
    store = open_store(f"sqlite:///{folder}/mlflow.db", create=True)
    with pytest.MonkeyPatch.context() as patch, Writer(store, plan) as writer:
        patch.setenv(ORDERS, str(folder))
        for spec in plan.trials():
            writer.trial_started(spec, 1)
            for message in messages(spec, job, torch.device("cpu")):
                said = read(message)
                if isinstance(said, TrialResult):
                    writer.trial_ended(spec, said)
                elif said is not None:
                    writer.epoch(spec, said)
    build(store.uri, plan.sweep, folder / "results" / plan.sweep, plan.profile)
    return cells(folder)


def faults(folder: Path) -> set[Fault]:
    """What happened by the records of the launch."""
    (launch,) = launches(open_store(f"sqlite:///{folder}/results/mlflow.db"), "chaos")
    return {incident.fault for incident in launch.incidents}


def finished_once(printed: str) -> None:
    """Every trial finished once, and none that had finished began again."""
    events = re.findall(r"^(start|finished) +(.+? seed \d)", printed, re.MULTILINE)
    finished = [name for what, name in events if what == "finished"]
    assert len(finished) == len(set(finished)) == 6, printed
    for name in finished:
        assert ("start", name) not in events[events.index(("finished", name)) :], printed


def test_a_node_is_lost_there_is_none_for_a_while_two_are_added_and_one_gets_notice(
    nodes: Cluster, undisturbed: pd.DataFrame, tmp_path: Path
) -> None:
    old = nodes.add_node(num_cpus=2)
    before = len(begins())
    with sweep(nodes, tmp_path) as running, metadata() as service:
        running.wait_for(lambda _: len(begins()) >= before + 3)
        time.sleep(3)
        nodes.remove_node(old, allow_graceful=False)
        lost = len(begins())
        time.sleep(8)
        assert len(begins()) == lost, "something began where there was no node"

        stays, goes = nodes.add_node(num_cpus=1), nodes.add_node(num_cpus=1)
        staying, going = raylet(stays), raylet(goes)
        options = ["--metadata", service.url, "--address", nodes.address]
        watching = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--provider", "aws", *options, "--node-id", goes.node_id]
        )
        running.wait_for(lambda _: going in {each.raylet for each in begins()[lost:]})
        service.notice.set()
        assert watching.wait(60) == 0
        drained = time.time()
        time.sleep(3)  # less than is left of the trial there
        nodes.remove_node(goes, allow_graceful=False)
        assert running.end() == 0, running.text()

    same(cells(tmp_path), undisturbed)
    finished_once(running.text())
    assert faults(tmp_path) == {Fault.NODE_LOST, Fault.PREEMPTED}
    after = begins()[lost:]
    assert {each.raylet for each in after} == {staying, going}
    assert {each.raylet for each in after if each.when > drained} == {staying}
    interrupted = {each.trial for each in begins()[before:lost]} & {each.trial for each in after}
    assert 1 <= len(interrupted) <= 2, "those under way when the node was lost, and no other"


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount of its own for a process needs root")
def test_a_node_that_joins_without_the_storage_ends_the_launch_before_it_trains(
    nodes: Cluster, tmp_path: Path
) -> None:
    for node in list(nodes.worker_nodes):
        nodes.remove_node(node)
    good = nodes.add_node(num_cpus=1)
    (tmp_path / "results").mkdir()
    before = len(begins())
    with sweep(nodes, tmp_path) as running:
        running.wait_for(lambda _: len(begins()) > before)
        nodes.remove_node(good, allow_graceful=False)
        begun = len(begins())
        with node_without(tmp_path / "results", nodes.address):
            assert running.end() == 6, running.text()
    said = running.text()
    assert "without" in said
    assert str(tmp_path / "results" / "work") in said
    assert "failed" not in said
    assert Fault.NODE_UNFIT in faults(tmp_path)
    assert len(begins()) == begun
