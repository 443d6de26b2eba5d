"""Several raylets on this machine: Ray's own multi-node test cluster, with tokens on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from ray._private.authentication.authentication_token_setup import (
    enable_token_auth_by_default,
    ensure_token_if_auth_enabled,
)
from ray.cluster_utils import Cluster

from tests.chaos.world import ORDERS

Node = Any  # Ray's own, which has no types


@contextmanager
def cluster(orders: Path) -> Iterator[Cluster]:
    """A head that trains nothing; workers are added by the test."""
    os.environ[ORDERS] = str(orders)
    # as Ray does for a local one; its test cluster leaves it to who starts it
    assert enable_token_auth_by_default()
    ensure_token_if_auth_enabled(None, create_token_if_missing=True)
    found = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        yield found
    finally:
        found.shutdown()
        del os.environ[ORDERS]


@contextmanager
def node_without(folder: Path, address: str) -> Iterator[None]:
    """A node with one CPU that sees an empty folder where all others see `folder`."""
    ray = Path(sys.executable).with_name("ray")
    start = f"{ray} start --address {address} --num-cpus 1 --object-store-memory 100000000 --block"
    hide = f"mount --make-rprivate / && mount -t tmpfs none {folder} && exec {start}"
    process = subprocess.Popen(["unshare", "-m", "sh", "-c", hide], start_new_session=True)
    try:
        yield
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()


def raylet(node: Node) -> int:
    """The process id of a node's raylet, the parent of its workers."""
    return int(node.all_processes["raylet"][0].process.pid)
