"""One Ray for all cases that need no Ray of their own, and the table of an undisturbed run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sweeper.execution.cluster import connect, disconnect
from tests.chaos.world import ORDERS, run


@pytest.fixture(scope="package")
def ray_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    os.environ[ORDERS] = str(tmp_path_factory.mktemp("orders"))
    connect(cpus=2)
    yield
    disconnect()
    del os.environ[ORDERS]


@pytest.fixture(scope="package")
def undisturbed(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    del ray_here
    return run(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(autouse=True)
def _no_orders_left(ray_here: None) -> Iterator[None]:
    del ray_here
    yield
    for path in Path(os.environ[ORDERS]).iterdir():
        path.unlink()
