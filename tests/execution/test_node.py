"""A worker looks at its node before each trial: drained after a notice, or without the storage."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeper.errors import FaultError
from sweeper.execution import node
from sweeper.execution.job import Job
from sweeper.execution.node import check_node, leave_if_drained
from sweeper.spec.plan import Resources

OWN = "0a" * 28


def job(**paths: str) -> Job:
    return Job("", Resources(), {}, paths, {})


@pytest.mark.parametrize(("drained", "leaves"), [([OWN], [1]), (["0b" * 28], []), ([], [])])
def test_a_worker_leaves_its_own_node_when_that_is_drained(
    drained: list[str], leaves: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    draining = dict.fromkeys(drained, 0)
    context = SimpleNamespace(get_node_id=lambda: OWN)
    monkeypatch.setattr(node.ray, "get_runtime_context", lambda: context)
    state = node.ray._private.state.state
    monkeypatch.setattr(state, "get_draining_nodes", lambda: draining)
    monkeypatch.setattr(os, "_exit", codes.append)
    leave_if_drained()
    assert codes == leaves


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
