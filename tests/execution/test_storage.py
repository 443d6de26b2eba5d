"""Storage that a node does not share is found out before anything is launched."""

from __future__ import annotations

from pathlib import Path

from sweeper.execution import storage


def test_a_node_that_does_not_see_the_token_is_found_out(tmp_path: Path) -> None:
    reach = storage._reach._function
    token = tmp_path / ".reach"
    token.write_text("abc")
    assert reach(str(token), "abc")
    assert not reach(str(token), "another driver's")
    assert not reach(str(tmp_path / "elsewhere" / ".reach"), "abc")
