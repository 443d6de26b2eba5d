from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sweeper.backbones.clip import ClipBackbone
from tests.small_clip import small_clip


@pytest.fixture(scope="session")
def backbone() -> ClipBackbone:
    return small_clip()


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tensors are tiny here: a second thread costs more than it does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
