"""As many trials wait for Ray Train's workers as the living nodes carry, from look to look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sweeper.execution import width
from sweeper.execution.width import AHEAD, EVERY, Width
from sweeper.spec.plan import Resources


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The living nodes, to be changed by the test; each asked time is one look later."""
    found: list[dict[str, Any]] = [{"Resources": {"CPU": 8.0, "GPU": 2.0}}]
    clock = iter(range(0, 1000, int(EVERY) + 1))
    monkeypatch.setattr(width, "alive_nodes", lambda: found)
    monkeypatch.setattr(width.time, "monotonic", lambda: float(next(clock)))
    return found


def test_trials_under_way_follow_the_nodes(nodes: list[dict[str, Any]]) -> None:
    limited = SimpleNamespace(max_concurrent=0)
    watched = Width(Resources(gpus=1), grows=False)
    watched.limited = limited
    watched.on_step_begin()
    assert limited.max_concurrent == 2
    nodes.append({"Resources": {"CPU": 8.0, "GPU": 4.0}})
    watched.on_step_begin()
    assert limited.max_concurrent == 6
    nodes.clear()
    watched.on_step_begin()
    assert limited.max_concurrent == 1, "one waits for a node"


def test_where_nodes_may_be_added_some_wait_so_that_they_are(nodes: list[dict[str, Any]]) -> None:
    assert len(nodes) == 1
    assert Width(Resources(gpus=1), grows=True).now() == 2 + AHEAD
