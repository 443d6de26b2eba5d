"""How many trials of a launch under Ray Train are under way, while nodes come and go."""

from __future__ import annotations

import time
from typing import Any, Protocol

from ray import tune

from sweeper.execution.cluster import alive_nodes
from sweeper.execution.placement import lanes
from sweeper.spec.plan import Resources

EVERY = 10.0  # seconds between two looks at the nodes
AHEAD = 8  # trials that wait for a node, and so ask the autoscaler for one


class Limited(Protocol):
    """What hands out trials to Tune: a grid's generator, or the limiter around a search."""

    max_concurrent: int


class Width(tune.Callback):
    """Keeps `max_concurrent` at what the living nodes carry, and some more where they may grow.

    An actor of such a trial only waits for Ray Train's workers and takes no resources, so that
    nothing else keeps Tune from starting one for every trial of the sweep.
    """

    def __init__(self, resources: Resources, *, grows: bool) -> None:
        self.resources, self.grows = resources, grows
        self.limited: Limited | None = None
        self._next = 0.0

    def now(self) -> int:
        """The number of trials for the nodes that there are; with none, one waits."""
        found = lanes(self.resources, [node["Resources"] for node in alive_nodes()])
        return max(1, found + AHEAD * self.grows)

    def on_step_begin(self, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """Look, now and then."""
        if self.limited is not None and time.monotonic() >= self._next:
            self.limited.max_concurrent = self.now()
            self._next = time.monotonic() + EVERY

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside its own state, which is never restored here."""
        return {}
