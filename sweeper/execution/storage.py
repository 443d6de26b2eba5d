"""What the driver and all nodes of a cluster write and read: a launch's scratch, user's files."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeper.errors import ClusterError
from sweeper.execution.cluster import alive_nodes
from sweeper.tasks import catalog as tasks

LAST_WORDS = 4 * 2**20  # bytes that a launch holds, to let them go when the disk is full


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for Tune's own files in `folder`, gone at the end of the block.

    Its name says whose it is: what a killed driver of this machine left is removed first. It holds
    some room, so that why a launch ended can still be recorded on a disk that is full.
    """
    host = socket.gethostname()
    for left in folder.glob(f"tune-{host}-*"):
        if not _lives(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    own = folder / f"tune-{host}-{os.getpid()}"
    try:
        own.mkdir()
        (own / "room").write_bytes(b"0" * LAST_WORDS)
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def check_storage(folder: Path) -> None:
    """Raises ClusterError unless every node reads and writes what the driver does in `folder`."""
    nodes = alive_nodes()
    if len(nodes) < 2:
        return
    token = uuid.uuid4().hex
    written = folder / f".reach-{token}"
    written.write_text(token)
    try:
        tasks = {
            node["NodeManagerHostname"]: _reach.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(str(written), token)
            for node in nodes
        }
        lost = [host for host, task in tasks.items() if not ray.get(task, timeout=60)]
    finally:
        for path in folder.glob(f".reach-{token}*"):
            path.unlink()
    if lost:
        raise ClusterError(
            f"{folder} is not one folder for all {len(nodes)} nodes: {', '.join(lost)} cannot see "
            "or write what this node does. Checkpoints have to be reachable from every node: give "
            "--results on shared storage (NFS, a mounted bucket)."
        )


def check_reach(folders: Mapping[str, str], weights: Mapping[str, str]) -> None:
    """Raises ClusterError where a node lacks images or a file of weights of the user."""
    nodes = alive_nodes()
    images = {str(path) for name in folders.values() for path in tasks.folders_of(name)}
    paths = sorted(images | set(weights.values()))
    if len(nodes) < 2 or not paths:
        return
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        lost = ray.get(_missing.options(scheduling_strategy=there).remote(paths), timeout=60)
        if lost:
            raise ClusterError(
                f"node {node['NodeManagerHostname']} has no {', '.join(lost)}. "
                "Put images and weights on storage that every node reaches under the same path."
            )


@ray.remote(num_cpus=0)
def _reach(path: str, token: str) -> bool:
    try:
        seen = Path(path).read_text() == token
        Path(f"{path}.{uuid.uuid4().hex}").write_text(token)
    except OSError:
        return False
    return seen


@ray.remote(num_cpus=0)
def _missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not Path(path).exists()]
