"""What ended an attempt: its fault, by what Ray says of the worker that was lost."""

from __future__ import annotations

import errno
import pickle
import socket

import pytest
from ray.core.generated.common_pb2 import (
    ActorDeathCause,
    ActorDiedErrorContext,
    NodeDeathInfo,
    OomContext,
)
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError, RayTaskError

from sweeper.execution import failure
from sweeper.execution.failure import WorkerOutOfMemoryError, judged
from sweeper.faults import Fault

Context = ActorDiedErrorContext


def died(reason: int, node: int | None = None) -> ActorDeathCause:
    info = None if node is None else NodeDeathInfo(reason=node)
    context = Context(reason=reason, actor_id=b"a" * 16, node_death_info=info)
    return ActorDeathCause(actor_died_error_context=context)


@pytest.mark.parametrize(
    ("death", "fault"),
    [
        (died(Context.WORKER_DIED), Fault.WORKER_DIED),
        (died(Context.RAY_KILL), Fault.WORKER_DIED),
        (died(Context.NODE_DIED), Fault.NODE_LOST),
        (died(Context.NODE_DIED, NodeDeathInfo.UNEXPECTED_TERMINATION), Fault.NODE_LOST),
        (died(Context.NODE_DIED, NodeDeathInfo.AUTOSCALER_DRAIN_PREEMPTED), Fault.PREEMPTED),
        (ActorDeathCause(oom_context=OomContext(error_message="full")), Fault.OUT_OF_MEMORY),
        (None, Fault.WORKER_DIED),
    ],
)
def test_a_lost_actor_is_what_ray_has_on_record(
    monkeypatch: pytest.MonkeyPatch, death: ActorDeathCause | None, fault: Fault
) -> None:
    asked = []
    monkeypatch.setattr(failure, "_death", lambda actor: asked.append(actor) or death)
    error = ActorUnavailableError("socket closed", b"b" * 16)
    assert judged(error, "trace").fault is fault
    assert asked == [(b"b" * 16).hex()]


@pytest.mark.parametrize(
    ("answers", "draining", "fault"),
    [
        (True, False, Fault.WORKER_DIED),
        (False, False, Fault.NODE_LOST),
        (False, True, Fault.PREEMPTED),
    ],
)
def test_what_tune_let_go_of_is_told_by_whether_its_node_answers(
    answers: bool, draining: bool, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as raylet:
        port = raylet.getsockname()[1]
        if not answers:
            raylet.close()
        node = {"NodeID": "0a", "Alive": True, "DeathReason": 0}
        node |= {"NodeManagerAddress": "127.0.0.1", "NodeManagerPort": port}
        state, drained = failure.ray._private.state, {"0a": 0} if draining else {}
        monkeypatch.setattr(failure, "_death", lambda _: died(Context.OUT_OF_SCOPE))
        monkeypatch.setattr(failure.ray, "nodes", lambda: [node])
        monkeypatch.setattr(state, "actors", lambda _: {"Address": {"NodeID": "0a"}})
        monkeypatch.setattr(state.state, "get_draining_nodes", lambda: drained)
        assert judged(ActorUnavailableError("socket closed", b"b" * 16), "").fault is fault


def test_a_preempted_node_is_known_from_the_error_alone() -> None:
    context = died(Context.NODE_DIED, NodeDeathInfo.AUTOSCALER_DRAIN_PREEMPTED)
    assert judged(ActorDiedError(context.actor_died_error_context), "").fault is Fault.PREEMPTED


def test_of_several_workers_the_one_that_was_lost_explains_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failure, "_death", lambda _: died(Context.NODE_DIED))
    group = ValueError("training failed")
    lost = ActorUnavailableError("socket closed", b"b" * 16)
    group.worker_failures = {0: RuntimeError("connection reset by peer"), 1: lost}
    assert judged(RayTaskError("train", "trace", group), "trace").fault is Fault.NODE_LOST


def test_what_a_trial_raises_is_told_in_one_line() -> None:
    found = judged(RayTaskError("train", "Traceback ...", ValueError("no patience")), "all of it")
    assert (found.fault, found.reason) == (Fault.RAISED, "ValueError: no patience")
    assert found.trace == "all of it"


def test_a_full_disk_is_no_fault_of_the_trial() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/results/a")
    assert judged(RayTaskError("train", "", full), "").fault is Fault.DISK_FULL


def test_a_worker_out_of_memory_is_a_lost_actor_for_tune() -> None:
    error = pickle.loads(pickle.dumps(WorkerOutOfMemoryError("2 GB used of 2 GB")))
    assert isinstance(error, RayActorError)
    assert str(error) == "2 GB used of 2 GB"
    assert not error.preempted
    assert judged(error, "").fault is Fault.OUT_OF_MEMORY
