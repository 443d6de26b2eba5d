"""The node under a worker, which may have joined, or been given notice, since the launch began."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import ray

from sweeper.errors import FaultError
from sweeper.execution.job import Job
from sweeper.execution.storage import files_of

GRACE_SECONDS = 20  # in which a node that has just joined may still mount its storage


class DrainedError(Exception):
    """The worker's node was drained: its provider will take it away."""


def check_drained() -> None:
    """Raises DrainedError where this node was drained; the trial then goes to another one.

    Ray places no new worker on such a node, but Tune gives a worker that is there, and warm, one
    trial after another until the machine is gone.
    """
    own = ray.get_runtime_context().get_node_id()
    # Ray tells it nowhere else without a dashboard; Ray Train asks here too
    if own in ray._private.state.state.get_draining_nodes():
        raise DrainedError(f"node {socket.gethostname()} will be taken away")


def check_node(job: Job, scratch: Path) -> None:
    """Raises FaultError where this node does not see what the driver has checked on all others.

    `scratch` is the driver's own folder in the storage of the launch: no other storage has it.
    Without it a trial would leave its checkpoints, and what it has learned, where nobody looks.
    """
    wanted = [scratch, *map(Path, files_of(job.folders, job.weights))]
    end = time.monotonic() + GRACE_SECONDS
    while lost := [str(path) for path in wanted if not path.exists()]:
        if time.monotonic() > end:
            raise FaultError(
                f"node {socket.gethostname()} has joined without {', '.join(lost)}: mount the "
                "storage that the other nodes share under the same path, or take the node away. "
                "What is recorded stays; the same command goes on."
            )
        time.sleep(1)
