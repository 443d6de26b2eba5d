"""Storage that a node does not share is found out; a killed driver's scratch is removed."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from sweeper.execution import storage


def test_a_node_that_does_not_see_the_token_is_found_out(tmp_path: Path) -> None:
    reach = storage._reach._function
    token = tmp_path / ".reach"
    token.write_text("abc")
    assert reach(str(token), "abc")
    assert not reach(str(token), "another driver's")
    assert not reach(str(tmp_path / "elsewhere" / ".reach"), "abc")


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
