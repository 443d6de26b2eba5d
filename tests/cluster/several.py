"""Several raylets on this machine: Ray's own multi-node test cluster, with tokens on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray._private.authentication.authentication_token_setup import (
    enable_token_auth_by_default,
    ensure_token_if_auth_enabled,
)
from ray.cluster_utils import Cluster

from sweeper.execution.cluster import connect, disconnect
from tests.chaos.world import ORDERS

Node = Any  # Ray's own, which has no types


@contextmanager
def cluster(orders: Path) -> Iterator[Cluster]:
    """A head that trains nothing, this process connected to it; workers are added by the test."""
    os.environ[ORDERS] = str(orders)
    # as Ray does for a local one; its test cluster leaves it to who starts it
    assert enable_token_auth_by_default()
    ensure_token_if_auth_enabled(None, create_token_if_missing=True)
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        connect(found.address)
        yield found
    finally:
        disconnect()
        found.shutdown()
        del os.environ[ORDERS]


def raylet(node: Node) -> int:
    """The process id of a node's raylet, the parent of its workers."""
    return int(node.all_processes["raylet"][0].process.pid)
