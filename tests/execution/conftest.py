"""One local Ray for all tests that share a process with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sweeper.execution.cluster import Cluster, connect, disconnect


@pytest.fixture(scope="session")
def local_ray() -> Iterator[Cluster]:
    yield connect(cpus=2)
    disconnect()
