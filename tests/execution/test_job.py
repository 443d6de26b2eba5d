"""What travels from the driver to the workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.backbones.weights_file import identity_of
from sweeper.discovery import find
from sweeper.errors import InputError
from sweeper.execution.job import Job, check_sources, trained_file
from sweeper.execution.worker import _plugin
from sweeper.spec.plan import Plan

from .launches import write_method


def test_a_method_file_travels_as_text_and_keeps_its_identity(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    identity = find(str(path), Path()).identity
    sources = {identity: str(path), "digest": str(images)}
    job = Job.of(Plan(sweep="s", profile="demo", seeds=(0,), cells=(), sources=sources), tmp_path)
    path.unlink()
    assert _plugin(identity, *job.methods[identity]).identity == identity
    assert job.folders == {"digest": str(images)}


def test_a_method_file_that_was_edited_or_is_gone_is_refused(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    sources = {find(str(path), Path()).identity: str(path), "digest": str(tmp_path)}
    check_sources(sources)
    path.write_text(path.read_text() + "# edited\n")
    with pytest.raises(InputError, match=r"temper\.py: it is temper@\w+; expected temper@\w+"):
        check_sources(sources)
    path.unlink()
    with pytest.raises(InputError, match="it is nothing"):
        check_sources(sources)


def test_a_joint_task_of_folders_travels_by_the_paths_of_its_parts(tmp_path: Path) -> None:
    joined = f"{tmp_path}/pets+digits"
    plan = Plan(sweep="s", profile="demo", seeds=(0,), cells=(), sources={"0123": joined})
    assert Job.of(plan).folders == {"0123": joined}
    with pytest.raises(InputError, match=f"task {tmp_path}/pets: no such folder"):
        check_sources(plan.sources)
    (tmp_path / "pets").mkdir()
    check_sources(plan.sources)


def test_a_file_of_weights_that_was_edited_or_is_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(b"one")
    sources = {identity_of(path): str(path)}
    plan = Plan(sweep="s", profile="demo", seeds=(0,), cells=(), sources=sources)
    job = Job.of(plan)
    assert (job.weights, job.methods, job.folders) == (sources, {}, {})
    check_sources(plan.sources)
    path.write_bytes(b"two!")
    with pytest.raises(InputError, match=r"weights file .*w\.pth: it is weights-\w+; expected w"):
        check_sources(plan.sources)
    path.unlink()
    with pytest.raises(InputError, match="it is nothing"):
        check_sources(plan.sources)


def test_each_trial_has_a_checkpoint_folder_of_its_own(tmp_path: Path) -> None:
    job = Job.of(Plan(sweep="s", profile="demo", seeds=(0,), cells=()), tmp_path)
    assert job.checkpoint("a").parent != job.checkpoint("b").parent


def test_what_a_trial_has_learned_lies_beside_its_checkpoint_and_is_removed_with_it(
    tmp_path: Path,
) -> None:
    job = Job.of(Plan(sweep="s", profile="demo", seeds=(0,), cells=()), tmp_path)
    assert job.trained("a").parent == job.checkpoint("a").parent
    assert job.trained("a") != job.checkpoint("a")
    assert job.trained("a") == trained_file(tmp_path, "a")
