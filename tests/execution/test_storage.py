"""Storage that a node does not share is found out; a killed driver's scratch is removed."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from sweeper.errors import ClusterError
from sweeper.execution import storage


def test_a_node_says_all_that_it_lacks_and_writes_only_where_it_sees_the_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "VISIBLE_SECONDS", 0)
    images = [str(tmp_path / "images"), str(tmp_path)]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with storage.signed(tmp_path / "results") as sign:
        assert storage.lacks(sign, images) == [f"it has no {tmp_path}/images"]
        said = storage.lacks(str(elsewhere / Path(sign).name), images[:1])
    assert said == [
        f"it does not see what is written to {elsewhere} (No such file or directory)",
        f"it has no {tmp_path}/images",
    ]
    assert not list(elsewhere.iterdir())


def refuse(sign: str) -> NoReturn:
    assert Path(sign).exists()
    raise ClusterError("one node does not reach it")


def test_what_was_made_for_a_check_is_gone_after_a_refusal(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "mlflow.db").touch()
    for folder in (there, tmp_path / "a" / "b"):
        with pytest.raises(ClusterError), storage.signed(folder) as sign:
            refuse(sign)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert [path.name for path in there.iterdir()] == ["mlflow.db"]
    with storage.signed(tmp_path / "a" / "b") as sign:
        pass
    assert not Path(sign).exists()
    assert (tmp_path / "a" / "b").is_dir()


def test_what_an_earlier_launch_of_this_process_could_not_remove_is_no_hindrance(
    tmp_path: Path,
) -> None:
    (tmp_path / f"tune-{socket.gethostname()}-{os.getpid()}" / "sweep").mkdir(parents=True)
    with storage.scratch(tmp_path) as own:
        assert own.is_dir()
    assert not own.exists()


def test_scratch_is_gone_at_its_end_and_what_a_killed_driver_left_at_the_next_start(
    tmp_path: Path,
) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname()
    left, living, elsewhere = (
        tmp_path / name
        for name in (f"tune-{host}-{dead.pid}", f"tune-{host}-{os.getppid()}", "tune-other-1")
    )
    for folder in (left, living, elsewhere):
        folder.mkdir()
    with storage.scratch(tmp_path) as own:
        held = [path.stat().st_blocks * 512 for path in own.iterdir()]
        assert sum(held) >= storage.LAST_WORDS, "no room is held for the last words"
        assert set(tmp_path.iterdir()) == {own, living, elsewhere}
    assert set(tmp_path.iterdir()) == {living, elsewhere}
