"""Why an attempt at a trial ended too early: its fault, in one line, and in full.

What is done about it is decided by `sweeper.faults` and counted in `retries`.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray._private import serialization
from ray.core.generated.common_pb2 import NodeDeathInfo  # type: ignore[attr-defined]
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.experiment import Trial

from sweeper.errors import FaultError
from sweeper.execution.causes import causes, refusal
from sweeper.execution.node import DrainedError
from sweeper.faults import Fault
from sweeper.redaction import redacted

DEATH_SECONDS = 30.0  # that Ray may need to say why it lost an actor: a node's silence has to last
ANSWER_SECONDS = 5.0  # that a living node may need to accept a connection
# Of several causes, the one that explains the others: a lost worker ends its peers with errors.
_FIRST = (Fault.PREEMPTED, Fault.NODE_LOST, Fault.OUT_OF_MEMORY, Fault.WORKER_DIED)
_REASONS = {
    Fault.WORKER_DIED: "its worker process died",
    Fault.OUT_OF_MEMORY: "its node had no memory left, and Ray ended its worker process",
    Fault.NODE_LOST: "its node is gone",
    Fault.PREEMPTED: "its node was taken back",
}


class WorkerOutOfMemoryError(OutOfMemoryError, RayActorError):
    """An actor that Ray's memory monitor ended; for Tune a lost actor, as any other.

    Ray says OutOfMemoryError, which is no RayActorError, and what is none ends all of Tune instead
    of one trial. See `keep_tune_alive`.
    """

    def __init__(self, message: str) -> None:
        RayActorError.__init__(self, error_msg=message)
        self.message = message


def keep_tune_alive() -> None:
    """Have this process read the news of an actor out of memory as `WorkerOutOfMemoryError`."""
    serialization.OutOfMemoryError = WorkerOutOfMemoryError  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Failure:
    """What ended an attempt. `error` is None where Tune kept its text only."""

    fault: Fault
    reason: str  # one line
    trace: str
    error: BaseException | None = None


def failure_of(trial: Trial) -> Failure:
    """What went wrong with `trial` last; secrets are left out."""
    error, full = None, "no reason was given"
    if trial.pickled_error_file is not None and Path(trial.pickled_error_file).exists():
        error = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        full = str(error)
    elif trial.error_file is not None and Path(trial.error_file).exists():
        full = Path(trial.error_file).read_text(encoding="utf-8")
    if error is None:
        last = [line.strip() for line in full.splitlines() if line.strip()][-1]
        found = Failure(Fault.RAISED, last, full)
    else:
        found = judged(error, full)
    return replace(found, reason=redacted(found.reason), trace=redacted(found.trace))


def judged(error: BaseException, trace: str) -> Failure:
    """The failure that `error` stands for, by what it came from."""
    if said := refusal(error):
        return Failure(Fault.DISK_FULL, said, trace, error)
    for one in causes(error):
        if isinstance(one, FaultError):
            return Failure(Fault.NODE_UNFIT, str(one), trace, one)
        if isinstance(one, DrainedError):
            return Failure(Fault.PREEMPTED, str(one), trace, error)
    found = {fault for one in causes(error) if (fault := _lost(one))}
    for fault in _FIRST:
        if fault in found:
            return Failure(fault, _REASONS[fault], trace, error)
    cause = getattr(error, "cause", None)
    if cause is None:
        last = [line.strip() for line in trace.splitlines() if line.strip()] or [repr(error)]
        return Failure(Fault.RAISED, last[-1], trace, error)
    return Failure(Fault.RAISED, f"{type(cause).__name__}: {cause}", trace, error)


def _lost(error: BaseException) -> Fault | None:
    """How a worker was lost, if that is what `error` says."""
    if isinstance(error, OutOfMemoryError):
        return Fault.OUT_OF_MEMORY
    if hasattr(error, "preemption_info"):  # of Ray Train, which is not imported here
        return Fault.PREEMPTED
    if not isinstance(error, RayActorError):
        return None
    if error.preempted:
        return Fault.PREEMPTED
    death = _death(error.actor_id) if error.actor_id else None
    if death is None or error.actor_init_failed:
        return Fault.WORKER_DIED
    if death.WhichOneof("context") == "oom_context":
        return Fault.OUT_OF_MEMORY
    context, node = death.actor_died_error_context, death.actor_died_error_context.node_death_info
    if node.Reason.Name(node.reason) == "AUTOSCALER_DRAIN_PREEMPTED":
        return Fault.PREEMPTED
    why = context.Reason.Name(context.reason)
    if why in ("OUT_OF_SCOPE", "REF_DELETED"):
        # Tune let go of what it could not reach before Ray knew that the node is gone
        return _fault_of_node(ray._private.state.actors(error.actor_id)["Address"]["NodeID"])
    return Fault.NODE_LOST if why == "NODE_DIED" else Fault.WORKER_DIED


def _fault_of_node(node_id: str) -> Fault:
    """Why a worker of this node cannot be reached; a node that is gone does not answer at once."""
    node = next((one for one in ray.nodes() if one["NodeID"] == node_id), None)  # type: ignore[no-untyped-call]
    if node is None:
        return Fault.NODE_LOST
    if node_id in ray._private.state.state.get_draining_nodes():
        return Fault.PREEMPTED
    if NodeDeathInfo.Reason.Name(node["DeathReason"]) == "AUTOSCALER_DRAIN_PREEMPTED":
        return Fault.PREEMPTED
    try:
        there = (node["NodeManagerAddress"], node["NodeManagerPort"])
        socket.create_connection(there, timeout=ANSWER_SECONDS).close()
    except OSError:
        return Fault.NODE_LOST
    return Fault.WORKER_DIED if node["Alive"] else Fault.NODE_LOST


def _death(actor_id: str) -> Any:
    """Ray's record of why an actor is dead; None where it does not find out in time.

    The connection to a lost node breaks at once, but Ray believes in the loss some seconds later.
    """
    end = time.monotonic() + DEATH_SECONDS
    while True:
        known = ray._private.state.actors(actor_id)
        if not known:
            return None
        if known["State"] == "DEAD":
            return known["DeathCause"]
        if time.monotonic() > end:
            return None
        time.sleep(0.2)
