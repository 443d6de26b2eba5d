"""A worker looks at its node before each trial: drained after a notice, or without the storage."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.exceptions import RayTaskError

from sweeper.errors import FaultError
from sweeper.execution import node
from sweeper.execution.failure import judged
from sweeper.execution.job import Job
from sweeper.execution.node import DrainedError, check_drained, check_node
from sweeper.faults import RULES, Fault, Remedy
from sweeper.spec.plan import Resources

OWN = "0a" * 28


def job(**paths: str) -> Job:
    return Job("", Resources(), {}, paths, {})


@pytest.mark.parametrize(("drained", "refused"), [([OWN], True), (["0b" * 28], False), ([], False)])
def test_no_trial_begins_on_a_node_that_is_drained(
    drained: list[str], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    draining = dict.fromkeys(drained, 0)
    context = SimpleNamespace(get_node_id=lambda: OWN)
    monkeypatch.setattr(node.ray, "get_runtime_context", lambda: context)
    state = node.ray._private.state.state
    monkeypatch.setattr(state, "get_draining_nodes", lambda: draining)
    with pytest.raises(DrainedError, match="taken away") if refused else nullcontext():
        check_drained()


def test_a_drained_node_is_told_as_one_and_an_unfit_one_ends_the_launch() -> None:
    drained, unfit = DrainedError("it goes"), FaultError("no storage")
    assert judged(RayTaskError("train", "trace", drained), "trace").fault is Fault.PREEMPTED
    found = judged(RayTaskError("train", "trace", unfit), "trace")
    assert found.fault is Fault.NODE_UNFIT
    assert found.error is unfit
    assert RULES[found.fault].remedy is Remedy.STOP
    assert not RULES[Fault.PREEMPTED].counts


def test_a_node_without_the_launch_s_folder_or_the_user_s_images_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "GRACE_SECONDS", 0)
    scratch, images = tmp_path / "tune-host-1", tmp_path / "images"
    scratch.mkdir()
    images.mkdir()
    check_node(job(data=str(images)), scratch)
    images.rmdir()
    with pytest.raises(FaultError, match=r"without .*/images: mount"):
        check_node(job(data=str(images)), scratch)
    scratch.rmdir()
    with pytest.raises(FaultError, match=r"without .*tune-host-1: mount"):
        check_node(job(), scratch)


def test_a_folder_that_is_mounted_a_moment_later_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "tune-host-1"
    monkeypatch.setattr(node.time, "sleep", lambda _: scratch.mkdir())
    check_node(job(), scratch)
